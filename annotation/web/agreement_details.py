"""Pages of agreement week by week and of every two people. They compute nothing."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation.agreement.pair_table import PairTable
from annotation.exceptions import ApplicationError
from annotation.models import AgreementReport, Project
from annotation.permissions import Role
from annotation.selectors.agreement_details import criteria_of_details, load_pairs_of_people, load_trend
from annotation.selectors.reports import is_fresh, latest_report
from annotation.web.agreement_view import name_criterion
from annotation.web.edge import open_project, page, project_context
from annotation.web.figure_files import figure_file
from annotation.web.pair_matrix import BLOCK, ORDERS, build_matrix, describe_pairs, pairs_figure, sort_people
from annotation.web.trend_view import describe_trend, statistics_of, trend_figures


@page()
def show_trend(request: HttpRequest, slug: str) -> HttpResponse:
    """One statistic of every criterion by week; all of them as files."""
    project, report = _open(request, slug)
    trend = load_trend(project=project) if report else []
    figures = trend_figures(trend, gate=project.agreement_gate)
    saved = figure_file(request, figures, project=project, computed_at=report.computed_at) if report else None
    if saved is not None:
        return saved
    statistics = statistics_of(trend)
    names = [name for name, _ in statistics]
    wanted = request.GET.get("statistic") or (names[0] if names else "")
    if names and wanted not in names:
        raise ApplicationError(f"There is no trend of {wanted!r}; choose one of {', '.join(names)}.")
    return _render(
        request, project, report, "agreement_trend", headline=describe_trend(trend), statistics=statistics,
        statistic=wanted, figures=[each for each in figures if each.name.endswith(f"-{wanted}")],
    )  # fmt: skip


@page()
def show_pairs(request: HttpRequest, slug: str) -> HttpResponse:
    """A block of the matrix of people on one criterion; all pairs as files."""
    project, report = _open(request, slug)
    criteria = criteria_of_details(project=project)
    wanted = request.GET.get("criterion", "").replace("\0", "") or (criteria[0] if criteria else "")
    tables = load_pairs_of_people(project=project, criterion=wanted) if report else []
    if not tables or report is None:
        if criteria:
            raise ApplicationError(f"There is no criterion {wanted!r} here; choose one of {', '.join(criteria)}.")
        return _render(request, project, report, "agreement_pairs")
    view = _block(request, tables[0])
    saved = figure_file(request, [view["figure"]], project=project, computed_at=report.computed_at)
    if saved is not None:
        return saved
    named = [(name, name_criterion(name)) for name in criteria]
    return _render(
        request, project, report, "agreement_pairs", table=tables[0], criteria=named, orders=ORDERS,
        headline=describe_pairs(tables[0]), **view,
    )  # fmt: skip


def _block(request: HttpRequest, table: PairTable) -> dict[str, Any]:
    """What of the table is shown: a block of rows and one of columns, or the rows of the people asked for."""
    order = request.GET.get("order", "shared")
    wanted = request.GET.get("person", "").replace("\0", "").strip()
    if order not in ORDERS:
        raise ApplicationError(f"People cannot be sorted by {order!r}; choose one of {', '.join(ORDERS)}.")
    places = sort_people(table, order)
    numbers = [0] * len(places)
    for number, place in enumerate(places, start=1):
        numbers[place] = number
    blocks = [places[at : at + BLOCK] for at in range(0, len(places), BLOCK)] or [[]]
    rows, columns = (_read_block(request, name, len(blocks)) for name in ("rows", "columns"))
    mine = [each for each in places if wanted.lower() in table.people[each].pseudonym.lower()][:BLOCK]
    matrix = build_matrix(table, mine if wanted else blocks[rows - 1], blocks[columns - 1], numbers)
    return {
        "order": order, "wanted": wanted, "rows": rows, "columns": columns, "matrix": matrix,
        "blocks": _name_blocks(blocks), "figure": pairs_figure(table, matrix),
    }  # fmt: skip


def _read_block(request: HttpRequest, name: str, most: int) -> int:
    text = request.GET.get(name, "1")
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= most):
        raise ApplicationError(f"“{name}” is the number of a block from 1 to {most}.")
    return int(text)


def _name_blocks(blocks: Sequence[Sequence[int]]) -> list[tuple[int, str]]:
    starts = [(number, BLOCK * (number - 1) + 1, len(each)) for number, each in enumerate(blocks, start=1)]
    return [(number, f"{first} to {first + count - 1}") for number, first, count in starts]


def _open(request: HttpRequest, slug: str) -> tuple[Project, AgreementReport | None]:
    project = open_project(request, slug, Role.REVIEWER)
    return project, latest_report(project=project)


def _render(
    request: HttpRequest, project: Project, report: AgreementReport | None, name: str, **more: Any
) -> HttpResponse:
    fresh = is_fresh(report, project=project)
    context = project_context(request, project, "agreement", report=report, fresh=fresh, report_page=name, **more)
    return render(request, f"annotation/{name}.html", context)
