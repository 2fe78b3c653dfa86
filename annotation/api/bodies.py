"""Request bodies: JSON only, of bounded size, with the line and column of what cannot be read."""

from collections.abc import Mapping
from functools import cache
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import ParseError, UnsupportedMediaType, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from annotation.api.errors import BodyTooLarge
from annotation.importers.json_line import nested_deeper
from annotation.kinds.faults import FaultList, refuse_unknown_keys

MOST_LEVELS = 64
"""No body of ours nests deeper; what does would exhaust the stack of whatever walks it later."""
ESCAPED_NUL = b"\\u0000"
"""How JSON spells NUL, and the only way it can."""


class JsonBody(BaseParser):
    """Parses application/json. Refuses NaN, NUL, deep nesting, compressed bodies and what is longer than the limit."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = read_limited(stream, (parser_context or {})["request"])
        value = decode_json(body)
        if nested_deeper(value, MOST_LEVELS):
            raise ParseError(f"The body is nested more than {MOST_LEVELS} levels deep.", code="invalid_json")
        if ESCAPED_NUL in body:
            refuse_nul(value, "")
        return value


def decode_json(body: bytes) -> Any:
    """The body's value. Raises: ParseError with line and column."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"The body is not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        raise ParseError(message, code="invalid_json") from None


def refuse_nul(value: object, path: str) -> None:
    """Raises: ValidationError naming the field that holds a NUL character, which no database column takes.

    The depth of the value is bounded before, so recursion is safe.
    """
    if isinstance(value, str):
        if "\0" in value:
            raise ValidationError({path: ["contains a NUL character (\\u0000); remove it"]})
    elif isinstance(value, dict):
        for name, item in value.items():
            refuse_nul(name, f"{path}.{name}".lstrip(".").replace("\0", "?"))
            refuse_nul(item, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            refuse_nul(item, f"{path}[{number}]")


def read_limited(stream: IO[bytes], request: Request) -> bytes:
    """The whole body. Raises: BodyTooLarge before reading more than the limit, UnsupportedMediaType if compressed."""
    limit = check_announced(request)
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise body_too_large(limit)
    return body


def check_announced(request: Request) -> int:
    """The most bytes a body may have, after a look at what the headers announce."""
    limit: int = settings.MAX_UPLOAD_BYTES
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("", detail="Send the body uncompressed, without Content-Encoding.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise body_too_large(limit)
    return limit


def body_too_large(limit: int) -> BodyTooLarge:
    """The refusal of a body beyond the limit, in bytes."""
    return BodyTooLarge(f"The body is longer than {limit:,} bytes. Send it in several parts.")


class StrictSerializer(serializers.Serializer[Any]):
    """A shape of input. A key it does not know is refused by name, never passed over."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            faults = FaultList()
            writable = [name for name, field in self.fields.items() if not field.read_only]
            refuse_unknown_keys(data, writable, faults)
            if faults.faults:
                raise serializers.ValidationError({fault["field"]: [fault["message"]] for fault in faults.faults})
        return super().to_internal_value(data)


def read_body(request: Request, shape: type[StrictSerializer]) -> dict[str, Any]:
    """The body as the shape says. Raises: ValidationError with every fault by field."""
    try:
        return dict(_reader(shape).run_validation(request.data))
    except serializers.ValidationError:
        # Faults are told as ever, by a serializer of this body's own.
        shape(data=request.data).is_valid(raise_exception=True)
        raise


@cache
def _reader(shape: type[StrictSerializer]) -> StrictSerializer:
    """One serializer for all bodies of a shape: checking leaves nothing behind in it.

    Each new one copies its fields, and a field that is made slows down all others: it counts on their class, whereupon
    Python forgets where it had found their attributes.
    """
    return shape()
