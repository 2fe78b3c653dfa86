"""What machines ask about health, answered from the real services."""

import pytest
from django.test import Client, override_settings


@pytest.mark.django_db
def test_ready_names_each_part(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "database": "ok", "broker": "ok", "migrations": "ok"}


@pytest.mark.django_db
def test_a_lost_broker_is_503_and_named(client: Client) -> None:
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["broker"] == "unreachable"


def test_alive_asks_no_database(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"


def test_metrics_speak_prometheus(client: Client) -> None:
    assert b"process_resident_memory_bytes" in client.get("/metrics").content


def test_health_refuses_post(client: Client) -> None:
    assert client.post("/healthz").status_code == 405
