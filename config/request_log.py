"""The line of each request, put together only where somebody reads it."""

import logging
import uuid

import structlog
from django.http import HttpRequest, HttpResponse
from django_structlog.app_settings import app_settings
from django_structlog.middlewares import RequestMiddleware

from config.api_calls import carries_token

_logger = logging.getLogger("django_structlog.middlewares.request")


class RequestLog(RequestMiddleware):
    """django-structlog's middleware, of which a call with a token has the id alone while its lines are off."""

    def prepare(self, request: HttpRequest) -> None:
        if _is_read(app_settings.STATUS_START_LOG_LEVEL) or not carries_token(request):
            super().prepare(request)
            return
        structlog.contextvars.bind_contextvars(request_id=str(uuid.uuid4()))

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        is_plain = not response.streaming and not hasattr(request, "_raised_exception")
        if is_plain and carries_token(request) and not _is_read(self._log_level_for_status_code(response.status_code)):
            structlog.contextvars.clear_contextvars()
        else:
            super().handle_response(request, response)


def _is_read(level: int) -> bool:
    return _logger.isEnabledFor(level)
