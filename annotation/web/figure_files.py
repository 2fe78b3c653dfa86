"""Figures of a page as files: `?figure=NAME&format=svg` or `csv`; without a name the first one."""

from collections.abc import Sequence
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from annotation.exceptions import NotFound
from annotation.models import Project
from annotation.web.downloads import as_file, csv_response
from annotation.web.figures import UNPRINTABLE, Drawing, Figure, lay_out_sheet


def figure_file(
    request: HttpRequest, figures: Sequence[Figure], *, project: Project, computed_at: datetime
) -> HttpResponse | None:
    """The file that was asked for; None where the page itself is wanted.

    Raises: NotFound naming the figures that there are.
    """
    wanted = request.GET.get("format")
    if not wanted:
        return None
    name = request.GET.get("figure") or (figures[0].name if figures else "")
    figure = next((each for each in figures if each.name == name), None)
    stem = f"{project.slug}-{name}-{computed_at:%Y-%m-%d}"
    if figure is not None and wanted == "csv":
        return csv_response(stem, [column.name for column in figure.columns], figure.cells)
    if figure is not None and wanted == "svg" and figure.drawing is not None:
        return as_file(_draw(figure, figure.drawing, project, computed_at), f"{stem}.svg", "image/svg+xml")
    known = ", ".join(each.name for each in figures if wanted == "csv" or each.drawing is not None)
    raise NotFound(f"No such file: {name!r} as {wanted!r}. Formats are csv and svg; figures here: {known or 'none'}.")


def _draw(figure: Figure, drawing: Drawing, project: Project, computed_at: datetime) -> str:
    sheet = lay_out_sheet(figure, drawing, place=project.name, computed_at=computed_at)
    drawn = render_to_string("annotation/figure.svg", {"figure": figure, "plot": drawing, "sheet": sheet})
    return UNPRINTABLE.sub("", drawn)
