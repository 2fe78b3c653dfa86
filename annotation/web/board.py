"""The live board: a page that a manager leaves open."""

from hashlib import sha256
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import Project
from annotation.permissions import Role
from annotation.selectors.leases import lease_page
from annotation.selectors.live_board import live_board
from annotation.services.lease_ends import end_lease
from annotation.web.edge import address_of, open_project, page, person, project_context

CHART_HEIGHT = 60
LONGEST_ID = 18
"""Digits of a row id."""


@page()
def show_board(request: HttpRequest, slug: str) -> HttpResponse:
    """Tasks by state, leases, throughput and when it will be done; the live part brings itself up to date."""
    project = open_project(request, slug, Role.REVIEWER)
    live, seen = _render_live(request, project)
    context = project_context(request, project, "board", live=live, seen=seen)
    return render(request, "annotation/board.html", context)


@page()
def show_board_live(request: HttpRequest, slug: str) -> HttpResponse:
    """The live part alone; nothing (204) while it is what the page has seen already, so that nothing flickers."""
    project = open_project(request, slug, Role.REVIEWER)
    live, seen = _render_live(request, project)
    if request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    return render(
        request, "annotation/_board_frame.html", project_context(request, project, "board", live=live, seen=seen)
    )


@page()
def show_leases(request: HttpRequest, slug: str) -> HttpResponse:
    """Every lease, found by the name of who holds it."""
    project = open_project(request, slug, Role.REVIEWER)
    who, after = (request.GET.get(name, "").replace("\0", "") for name in ("who", "after"))
    try:
        listed, fault = lease_page(project=project, who=who, after=after), ""
    except ApplicationError as error:
        listed, fault = lease_page(project=project, who=who), error.message
    context = project_context(request, project, "board", listed=listed, who=who, after=after, fault=fault)
    return render(request, "annotation/leases.html", context, status=400 if fault else 200)


@page("POST")
def release_lease(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes a task away from who holds it."""
    project = open_project(request, slug, Role.MANAGER)
    number = request.POST.get("slot", "")
    if not (number.isascii() and number.isdecimal() and len(number) <= LONGEST_ID):
        raise NotFound("There is no such lease in this project.")
    try:
        end_lease(project=project, slot_id=int(number), actor=person(request), address=address_of(request))
        messages.success(
            request,
            "Released: the task is free for others. What its holder sends before somebody else takes it still counts.",
        )
    except ApplicationError as error:
        messages.error(request, error.message)
    return redirect("board", slug=slug)


def _render_live(request: HttpRequest, project: Project) -> tuple[str, str]:
    """The live part as markup, and a digest of it."""
    context = project_context(request, project, "board", **_describe(project))
    html = render_to_string("annotation/_board_live.html", context)
    return html, sha256(html.encode()).hexdigest()[:16]


def _describe(project: Project) -> dict[str, Any]:
    board = live_board(project=project)
    counts = board.counts
    busiest = max(hour.judgments for hour in board.hours) or 1
    bars = [
        {"x": 10 * number, "hour": hour, "height": round(CHART_HEIGHT * hour.judgments / busiest, 1)}
        for number, hour in enumerate(board.hours)
    ]
    for bar in bars:
        bar["y"] = CHART_HEIGHT - bar["height"]  # type: ignore[operator]
    wanted_in_all = counts.given + counts.wanted
    return {
        "board": board,
        "counts": counts,
        "begun": counts.complete + counts.in_progress,
        "wanted_in_all": wanted_in_all,
        "share": 100 * counts.given // wanted_in_all if wanted_in_all else 0,
        "bars": bars,
        "busiest": busiest,
        "most_by_one": max((worker.judgments for worker in board.workers), default=1),
    }
