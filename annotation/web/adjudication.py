"""Tasks that wait for a reviewer, and the page on which one decides."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import FeedbackKind, Project, Task, Verdict
from annotation.permissions import Role
from annotation.selectors.adjudication import QUEUES, adjudication_queue, count_queues, next_in_queue
from annotation.selectors.boards import task_judgments
from annotation.services.verdicts import REASON_CHARACTERS, give_verdict
from annotation.web.edge import address_of, open_project, page, person, project_context
from annotation.web.task_view import describe_task
from annotation.web.verdict_form import rank_fields, read_ranking, read_scores

LABELS = {"disagreement": "People disagree", "flagged": "Flagged", "skipped": "Skipped by several"}


@page()
def show_queue(request: HttpRequest, slug: str) -> HttpResponse:
    """What waits for a verdict, by reason."""
    project = open_project(request, slug, Role.REVIEWER)
    why = request.GET.get("why") or "disagreement"
    places = {name: request.GET.get(name, "") for name in ("after", "before")}
    table = adjudication_queue(project=project, why=why, **places)
    counts = count_queues(project=project)
    queues = [(name, LABELS[name], counts[name]) for name in QUEUES]
    context = project_context(request, project, "adjudication", table=table, why=why, queues=queues)
    return render(request, "annotation/adjudication.html", context)


@page("GET", "POST")
def decide(request: HttpRequest, slug: str, task_id: int) -> HttpResponse:
    """A task with everybody's ranking, nobody's name and no source; the reviewer decides and says why."""
    project = open_project(request, slug, Role.REVIEWER)
    task = Task.objects.select_related("prompt", "project").filter(project=project, pk=task_id).first()
    if task is None:
        raise NotFound("There is no such task in this project.")
    why = request.GET.get("why") if request.GET.get("why") in QUEUES else "disagreement"
    judgments = list(task_judgments(task=task))
    view = describe_task(task, judgments, anonymous=True)
    fault = ""
    if request.method == "POST":
        try:
            _give(request, task, view)
        except ApplicationError as error:
            fault = error.message
        else:
            return _go_on(request, project, str(why))
    context = project_context(request, project, "adjudication", **view, **_form(request, view), why=why, fault=fault)
    context |= {"seen": sorted(each.pk for each in judgments), "reason_characters": REASON_CHARACTERS}
    return render(request, "annotation/verdict.html", context, status=400 if fault else 200)


def _give(request: HttpRequest, task: Task, view: dict[str, Any]) -> Verdict:
    outcome = request.POST.get("outcome", Verdict.Outcome.ANSWER)
    seen = [int(text) for text in request.POST.getlist("seen") if text.isascii() and text.isdecimal()]
    return give_verdict(
        task=task,
        reviewer=person(request),
        outcome=outcome,
        answer=_read_answer(request, view) if outcome == Verdict.Outcome.ANSWER else None,
        reason=request.POST.get("reason", ""),
        based_on=seen,
        address=address_of(request),
    )


def _read_answer(request: HttpRequest, view: dict[str, Any]) -> dict[str, Any]:
    letters, task = view["letters"], view["task"]
    names = [criterion.name for criterion in view["criteria"]]
    given = {name: value for name, value in request.POST.items() if isinstance(value, str)}
    scores = read_scores(given, names, letters)
    if task.kind != FeedbackKind.RANKING:
        return scores
    some = {name: by for name, by in scores["scores"].items() if any(value is not None for value in by.values())}
    return {**read_ranking(given, letters), "scores": some}


def _form(request: HttpRequest, view: dict[str, Any]) -> dict[str, Any]:
    """The fields: as they were sent, as somebody's judgment fills them (`?from=2`), or as the last verdict did."""
    answer = _start(request, view)
    letters = view["letters"]
    fields = rank_fields(letters, answer)
    if request.method == "POST":
        sent = request.POST
        fields = [
            type(each)(each.key, each.letter, sent.get(f"rank-{each.letter}", ""), bool(sent.get(f"bad-{each.letter}")))
            for each in fields
        ]
    scores = [
        {
            "name": f"score-{criterion.name}-{letter}",
            "criterion": criterion,
            "letter": letter,
            "value": request.POST.get(f"score-{criterion.name}-{letter}")
            or ((answer or {}).get("scores", {}).get(criterion.name, {}).get(key)),
        }
        for criterion in view["criteria"]
        for key, letter in letters.items()
    ]
    reason = request.POST.get("reason", view["verdict"].reason if view["verdict"] else "")
    return {"rank_fields": fields, "score_fields": scores, "reason": reason}


def _start(request: HttpRequest, view: dict[str, Any]) -> dict[str, Any] | None:
    number = request.GET.get("from", "")
    if number.isascii() and number.isdecimal() and len(number) < 5 and 1 <= int(number) <= len(view["judgments"]):
        judgment = view["judgments"][int(number) - 1].judgment
        return {"tiers": judgment.tiers, "bad": judgment.bad, "scores": judgment.scores}
    return view["verdict"].answer if view["verdict"] else None


def _go_on(request: HttpRequest, project: Project, why: str) -> HttpResponse:
    """To the next task of the queue that the reviewer came from."""
    following = next_in_queue(project=project, why=why)
    messages.success(request, "The verdict stands." if following else "The verdict stands. Nothing else waits here.")
    query = f"?{urlencode({'why': why})}"
    if following is None:
        return redirect(reverse("adjudication", args=[project.slug]) + query)
    return redirect(reverse("verdict", args=[project.slug, following.pk]) + query)
