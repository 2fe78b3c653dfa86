"""The people of a project with their figures: a table that sorts, searches and goes on for thousands."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation.permissions import Role
from annotation.selectors.person_figures import DEFAULT_ORDER, SHARES, PersonRecord, all_figures, figures_page
from annotation.selectors.reports import is_fresh, latest_report
from annotation.web.downloads import csv_response
from annotation.web.edge import open_project, page, project_context
from annotation.web.figures import show_share

PAGE_PEOPLE = 50
COLUMNS = {
    "judgments": "Judgments",
    "agreement": "Agreement with the others",
    "accuracy": "With the others' majority",
    "gold": "Right on gold",
    "consistency": "Same on repeats",
    "position": "For the one shown earlier",
    "length": "For the longer one",
    "median_active_ms": "Median time",
}
CSV_COLUMNS = (
    "annotator", "pseudonym", "simulated", "judgments", "median_active_ms",
    *(f"{name}{end}" for name in SHARES for end in ("", "_low", "_high", "_count")), "pause", "why",
)  # fmt: skip


@page()
def show_figures(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of people in the order asked for; all of them as CSV with `?format=csv`."""
    project = open_project(request, slug, Role.REVIEWER)
    report = latest_report(project=project)
    if request.GET.get("format") == "csv":
        return csv_response(f"{slug}-people", CSV_COLUMNS, map(_cells, all_figures(project=project)))
    order = request.GET.get("order") or DEFAULT_ORDER
    search, after = (request.GET.get(name, "").replace("\0", "").strip() for name in ("search", "after"))
    found = figures_page(project=project, order=order, search=search, after=after, most=PAGE_PEOPLE)
    context = project_context(
        request, project, "agreement", report=report, fresh=is_fresh(report, project=project),
        report_page="agreement_people", order=order, search=search, after=after, next=found.next,
        heads=list(_heads(order)),
        rows=[(each, [show_share_of(each, name) for name in SHARES]) for each in found.records],
    )  # fmt: skip
    return render(request, "annotation/agreement_people.html", context)


def show_share_of(record: PersonRecord, name: str) -> tuple[str, str, str]:
    """(number, interval and what it stands on, why there is none) of one share."""
    share: Any = record[name]  # type: ignore[literal-required]
    if share["value"] is None:
        return "–", "", share["note"]
    return show_share(share["value"]), f"{share['low']:.0%} to {share['high']:.0%}, of {share['count']:,}", ""


def _heads(order: str) -> Iterator[tuple[str, str, str]]:
    """(words, what a click sorts by, how it is sorted now: ascending, descending or nothing)."""
    for name, words in COLUMNS.items():
        now = {name: "ascending", f"-{name}": "descending"}.get(order, "")
        yield words, name if now == "descending" else f"-{name}", now


def _cells(record: PersonRecord) -> list[Any]:
    told: dict[str, Any] = dict(record)
    pause = record["pause"]
    shares = [told[name][end] for name in SHARES for end in ("value", "low", "high", "count")]
    why = [pause["state"], " ".join(pause["sentences"])] if pause else ["", ""]
    return [*(told[name] for name in CSV_COLUMNS[:5]), *shares, *why]
