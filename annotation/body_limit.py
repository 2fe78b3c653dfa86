"""No body is read that is longer than the longest upload: it would fill the disk before any view could refuse it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

FORM_BYTES = 1024 * 1024
"""What a form may hold beside its file."""


class BodyLimit:
    """Middleware; must stand before whatever reads the body, as the check against forged forms does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) <= settings.MAX_IMPORT_BYTES + FORM_BYTES:
            return self._get_response(request)
        sentence = f"The body is longer than {settings.MAX_IMPORT_BYTES:,} bytes, the most this site takes."
        if request.path.startswith("/api/"):
            return JsonResponse({"code": "too_large", "message": sentence, "extra": {}}, status=413)
        return render(request, "error.html", {"title": "Too large", "sentence": sentence}, status=413)
