"""Feedback in and out: import by upload, exports."""

from collections.abc import Iterator

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.exceptions import ApplicationError
from annotation.exports.formats import FORMATS, ExportFormat
from annotation.importers.concord import read_prompts
from annotation.importers.line_errors import ImportFileError
from annotation.importers.lines import split_lines
from annotation.models import Judgment, Project
from annotation.permissions import Role
from annotation.services.importing import ImportSummary, import_prompts
from annotation.web.edge import address_of, open_project, page, person, project_context
from annotation.web.forms import ImportForm


@page("GET", "POST")
def show_data(request: HttpRequest, slug: str) -> HttpResponse:
    """Import and export of a project; the errors of a refused file, line by line."""
    project = open_project(request, slug, Role.MANAGER)
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    errors: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, _describe(_import(request, project, form.cleaned_data["file"])))
            return redirect("data", slug=slug)
        except ImportFileError as error:
            errors = [str(each) for each in error.errors] + (["More lines were not looked at."] if error.more else [])
        except ApplicationError as error:
            errors = [error.message]
    context = project_context(
        request,
        project,
        "data",
        form=form,
        errors=errors,
        exports=list(_exports(project)),
        judgments=Judgment.objects.filter(project=project, is_current=True).count(),
    )
    return render(request, "annotation/data.html", context, status=400 if errors or form.errors else 200)


def _import(request: HttpRequest, project: Project, file: UploadedFile) -> ImportSummary:
    """Stores the whole file or nothing of it."""
    prompts = read_prompts(split_lines(file))  # type: ignore[arg-type]
    return import_prompts(project=project, prompts=prompts, actor=person(request), address=address_of(request))


def _exports(project: Project) -> Iterator[tuple[ExportFormat, str]]:
    for each in FORMATS.values():
        if project.kind in each.kinds:
            yield from ((each, view) for view in each.views)


def _describe(summary: ImportSummary) -> str:
    sentence = f"Imported {summary.prompts:,} prompts with {summary.responses:,} responses: {summary.tasks:,} tasks"
    sentence += f", {summary.judgments:,} judgments" if summary.judgments else ""
    return sentence + (f"; {summary.skipped:,} were here already." if summary.skipped else ".")
