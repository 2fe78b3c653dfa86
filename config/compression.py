"""Compression on the way to the browser."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

COMPRESSED = ("text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml")


class PageCompression(GZipMiddleware):
    """Compresses pages, scripts and styles; files that were compressed when an image was built go out as they are.

    The API stays as it is: its answers are small, and programs that call it a thousand times a second should not pay.
    """

    def process_response(self, request: HttpRequest, response: Any) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "").split(";")[0]
        if kind not in COMPRESSED or request.path.startswith("/api/"):
            return response
        if response.streaming:
            # A static file: its validator names the uncompressed bytes. The time of its last change stays.
            del response.headers["ETag"]
        return super().process_response(request, response)
