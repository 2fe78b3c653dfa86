"""One shape for all logs: structlog's, as JSON lines for machines or as text for a terminal."""

from typing import Any

import structlog


def configure_logging(*, level: str, style: str) -> dict[str, Any]:
    """Sets structlog up and gives Django's LOGGING; `style` is `json` or `console`."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "default": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(style)],
                "foreign_pre_chain": shared,
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "default"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {name: {"level": "WARNING"} for name in _too_chatty(style)},
    }


def _renderers(style: str) -> list[Any]:
    # Tracebacks without local variables: those may hold passwords and people's answers.
    if style == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]


def _too_chatty(style: str) -> list[str]:
    """Loggers of which only warnings are wanted: lines for each periodic job, and, on a terminal, for each poll."""
    chatty = ["celery.worker.strategy", "celery.app.trace", "celery.beat"]
    return chatty if style == "json" else [*chatty, "django_structlog.middlewares.request"]
