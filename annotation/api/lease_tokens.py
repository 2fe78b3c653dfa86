"""The lease token as clients hold it: opaque to them, and enough for us to know which order they were shown.

It is `slot number.lease uuid`. The order of the responses follows from task and slot number, so letters can be read
back even when the lease is lost and its row tells nothing of it any more. A forged number only scrambles one's own
answer.
"""

from typing import NamedTuple, Self
from uuid import UUID

from rest_framework import serializers


class LeaseToken(NamedTuple):
    slot_number: int
    token: UUID

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises: ValueError if it is no lease token."""
        number, _, token = text.partition(".")
        if not (number.isascii() and number.isdigit() and len(number) <= 5):
            raise ValueError("not a lease token")
        return cls(int(number), UUID(token))

    def __str__(self) -> str:
        return f"{self.slot_number}.{self.token}"


class LeaseTokenConverter:
    """A lease token in an address."""

    regex = r"[0-9]{1,5}\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

    def to_python(self, value: str) -> LeaseToken:
        return LeaseToken.parse(value)

    def to_url(self, value: LeaseToken) -> str:
        return str(value)


class LeaseTokenField(serializers.CharField):
    """A lease token in a body."""

    def to_internal_value(self, data: object) -> LeaseToken:  # type: ignore[override]
        try:
            return LeaseToken.parse(super().to_internal_value(data))  # type: ignore[arg-type]
        except ValueError:
            raise serializers.ValidationError("not a lease token; send the one that `acquire` gave") from None
