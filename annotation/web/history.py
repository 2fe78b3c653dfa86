"""What a person said about a task, from the first answer to the one that counts."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation.api.judgments import show_answer
from annotation.exceptions import NotFound
from annotation.models import Criterion, FeedbackKind, Judgment
from annotation.selectors.work import my_revisions
from annotation.web.edge import open_project, page, person, project_context


@page()
def show_history(request: HttpRequest, judgment_id: int) -> HttpResponse:
    """The revisions of one of my judgments, newest first, with their reasons; letters as I saw them."""
    revisions = list(my_revisions(user=person(request), judgment_id=judgment_id))
    if not revisions:
        raise NotFound("There is no such judgment of yours.")
    newest = revisions[0]
    project = open_project(request, newest.project.slug)
    labels = dict(Criterion.objects.filter(project=project).values_list("name", "label"))
    shown = [{"judgment": each, "lines": said_in_lines(each, labels)} for each in revisions]
    context = project_context(request, project, "", newest=newest, revisions=shown)
    return render(request, "annotation/history.html", context)


def said_in_lines(judgment: Judgment, labels: dict[str, str]) -> list[str]:
    """What a judgment says, a short line for each part."""
    answer = show_answer(judgment)
    lines = [_order(answer)] if judgment.kind == FeedbackKind.RANKING else []
    for name, by_letter in answer["scores"].items():
        values = (_score(letter, value, judgment.kind) for letter, value in by_letter.items())
        lines.append(f"{labels.get(name, name)}: {', '.join(values)}")
    lines += [f"Why {labels.get(name, name)}: {text}" for name, text in answer["rationales"].items()]
    return lines


def _order(answer: dict[str, Any]) -> str:
    signs = {None: " › ", 1: " › ", 2: " ›› ", 3: " ››› "}
    strengths = [None, *(answer["strength"] or [None] * len(answer["tiers"]))]
    text = ""
    for tier, strength in zip(answer["tiers"], strengths, strict=False):
        text += (signs[strength] if text else "") + " = ".join(tier)
    bad = f"; not acceptable: {', '.join(answer['bad'])}" if answer["bad"] else ""
    unranked = f"; unranked: {', '.join(answer['unranked'])}" if answer["unranked"] else ""
    return text + bad + unranked


def _score(letter: str, value: float | None, kind: str) -> str:
    shown = "not applicable" if value is None else f"{value:g}"
    return f"{letter} {shown}" if kind == FeedbackKind.RANKING else shown
