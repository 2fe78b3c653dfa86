"""Tables and pictures of a page as files."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from annotation.web.interval_plot import IntervalPlot

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """The rows as a file. Text that a spreadsheet would take for a formula gets an apostrophe."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([guard_cell(cell) for cell in row] for row in rows)
    return _as_file(out.getvalue(), f"{name}.csv", "text/csv; charset=utf-8")


def guard_cell(cell: Any) -> Any:
    """What is written for a cell; None is empty."""
    if cell is None:
        return ""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def svg_response(request: HttpRequest, name: str, plot: IntervalPlot) -> HttpResponse:
    """The picture as a file that stands alone."""
    drawn = render_to_string("annotation/_interval_plot.html", {"plot": plot, "is_file": True}, request)
    return _as_file(drawn.strip(), f"{name}.svg", "image/svg+xml")


def _as_file(content: str, name: str, content_type: str) -> HttpResponse:
    return HttpResponse(
        content, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
