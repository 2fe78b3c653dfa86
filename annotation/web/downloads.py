"""Tables of a page as files."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

from django.http import HttpResponse

from annotation.exports.csv_lines import quote_cell


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """The rows as a file; no cell is a formula to a spreadsheet, None is empty."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([quote_cell(cell) for cell in row] for row in rows)
    return as_file(out.getvalue(), f"{name}.csv", "text/csv; charset=utf-8")


def as_file(content: str, name: str, content_type: str) -> HttpResponse:
    """Content that the browser saves under the name."""
    return HttpResponse(
        content, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
