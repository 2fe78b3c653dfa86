"""Long lists, page by page, in a way that costs the same on the last page as on the first."""

import re
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

PAGE_PARAMETERS = [
    OpenApiParameter("cursor", str, description="From the address in `next` or `previous`."),
    OpenApiParameter("page_size", int, description="Rows a page, at most 500."),
]

ROW_NUMBER = re.compile(r"[0-9]{1,18}")


class NewestFirst(CursorPagination):
    """{"next", "previous", "results"}: follow `next`, an address, until it is null."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The place to go on from. Lists are ordered by whole numbers, so a place that is none was made up."""
        cursor: Any = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not ROW_NUMBER.fullmatch(cursor.position):
            raise NotFound(self.invalid_cursor_message)
        return cursor


class OldestFirst(NewestFirst):
    ordering = "id"


def page_of(shape: type[serializers.BaseSerializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The shape of one page of rows, for the API's description."""
    name = f"{shape.__name__.removesuffix('Output')}PageOutput"
    body = {
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": shape(many=True),
    }
    return type(name, (serializers.Serializer,), body)
