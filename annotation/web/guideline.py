"""A project's guideline: reading it, its versions and their differences, writing a new one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.exceptions import ApplicationError
from annotation.models import Project
from annotation.permissions import Role
from annotation.selectors.guidelines import find_version, guideline_versions, version_last_worked_under
from annotation.services.guidelines import LONGEST_NOTE, LONGEST_TEXT, write_guideline
from annotation.web.edge import address_of, open_project, page, person, project_context
from annotation.web.text_diff import compare_texts

MOST_VERSIONS = 200
LONGEST_PREVIEW = LONGEST_TEXT


class GuidelineForm(forms.Form):
    """A new text, and a sentence on what is new about it."""

    text = forms.CharField(
        max_length=LONGEST_TEXT,
        required=False,
        strip=False,
        label="Guideline",
        help_text="Markdown. Stands beside every task.",
        widget=forms.Textarea(attrs={"rows": 18}),
    )
    note = forms.CharField(
        max_length=LONGEST_NOTE,
        required=False,
        label="What changed",
        help_text="One sentence for the annotators; they see it when they come back.",
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


@page()
def show_guideline(request: HttpRequest, slug: str) -> HttpResponse:
    """The guideline as it stands, with its history; what is new to this person comes first."""
    project = open_project(request, slug)
    news = version_last_worked_under(user=person(request), project=project)
    versions = list(guideline_versions(project=project)[:MOST_VERSIONS])
    context = project_context(request, project, "guideline", versions=versions, **_news(project, news))
    context["criteria"] = list(project.criteria.all())
    return render(request, "annotation/guideline.html", context)


@page()
def show_version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One version, and what it changed."""
    project = open_project(request, slug)
    version = find_version(project=project, number=number)
    try:
        changes = compare_texts(find_version(project=project, number=number - 1).text, version.text)
    except ApplicationError:
        changes = []
    context = project_context(request, project, "guideline", version=version, changes=changes)
    return render(request, "annotation/guideline_version.html", context)


@page("GET", "POST")
def edit_guideline(request: HttpRequest, slug: str) -> HttpResponse:
    """Writing a new version, with a preview beside."""
    project = open_project(request, slug, Role.MANAGER)
    start = {"text": project.guideline, "version": project.guideline_version}
    form = GuidelineForm(request.POST if request.method == "POST" else None, initial=start)
    if request.method == "POST" and form.is_valid():
        try:
            kept = write_guideline(project=project, actor=person(request), address=address_of(request), **_said(form))
        except ApplicationError as error:
            form.add_error(error.extra.get("field") if error.extra.get("field") in form.fields else None, error.message)
        else:
            messages.success(request, f"Version {kept.number} stands. Annotators are told when they come back.")
            return redirect("guideline", slug=slug)
    context = project_context(request, project, "guideline", form=form, text=form["text"].value() or "")
    return render(request, "annotation/guideline_edit.html", context, status=400 if form.errors else 200)


@page("POST")
def preview_guideline(request: HttpRequest, slug: str) -> HttpResponse:
    """The text as it will look; nothing is stored."""
    open_project(request, slug, Role.MANAGER)
    text = request.POST.get("text", "")[:LONGEST_PREVIEW].replace("\0", "")
    return render(request, "annotation/_guideline_preview.html", {"text": text})


def _said(form: GuidelineForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ("text", "note", "version")}


def _news(project: Project, since: int | None) -> dict[str, Any]:
    """What changed since a version that a person last worked under."""
    if since is None:
        return {}
    try:
        old = find_version(project=project, number=since).text
    except ApplicationError:
        return {"since": since, "news": []}
    return {"since": since, "news": compare_texts(old, project.guideline)}
