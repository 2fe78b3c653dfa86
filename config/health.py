"""What a load balancer and a monitoring system ask: alive, ready, metrics."""

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

BROKER_SECONDS = 2.0


@require_safe
def show_alive(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers at all; asks nothing else, so a sick database restarts no web process."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def show_ready(request: HttpRequest) -> JsonResponse:
    """200 when database and broker answer and every migration is applied, else 503; each part by name."""
    parts = {"database": check_database(), "broker": check_broker()}
    parts["migrations"] = check_migrations() if parts["database"] == "ok" else "unknown"
    ready = all(state == "ok" for state in parts.values())
    return JsonResponse({"ready": ready, **parts}, status=200 if ready else 503)


@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    """The process's figures in Prometheus's text format."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def check_database() -> str:
    """`ok`, or `unreachable`; details go to the log and not to whoever asks."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def check_broker() -> str:
    """`ok`, or `unreachable`."""
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=BROKER_SECONDS, socket_timeout=BROKER_SECONDS
    )
    try:
        client.ping()
    except redis.RedisError:
        return "unreachable"
    finally:
        client.close()
    return "ok"


def check_migrations() -> str:
    """`ok`, or how many migrations are still to be applied."""
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "ok" if not pending else f"{len(pending)} to apply"
