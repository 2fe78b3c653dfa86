"""Errors by whose fault they are. Each has a stable code, a sentence for people and data for machines."""

from typing import Any


class ApplicationError(Exception):
    """The request cannot be done; the caller can do something about it."""

    code = "invalid"
    status = 400

    def __init__(self, message: str, *, code: str | None = None, extra: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.extra = extra or {}


class NotPermitted(ApplicationError):
    """The person may see the thing but not do this to it."""

    code = "not_permitted"
    status = 403


class NotFound(ApplicationError):
    """No such thing, or none that this person may know of."""

    code = "not_found"
    status = 404


class Conflict(ApplicationError):
    """The world moved on: a lost lease, a used key, a newer version. `extra` says what stands now."""

    code = "conflict"
    status = 409


class InvalidAnswer(ApplicationError):
    """The answer does not fit its task. `extra["faults"]` lists {"field", "message"}."""

    code = "invalid_answer"
    status = 422
