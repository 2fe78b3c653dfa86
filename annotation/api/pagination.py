"""Long lists, page by page, in a way that costs the same on the last page as on the first."""

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """{"next", "previous", "results"}: follow `next`, an address, until it is null. `page_size` goes up to 500."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


class OldestFirst(NewestFirst):
    ordering = "id"
