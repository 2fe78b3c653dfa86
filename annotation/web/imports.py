"""One import on a page: format, columns and a preview first, then how far it is, then what came of it."""

import csv
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.exceptions import ApplicationError, NotFound
from annotation.exports.csv_lines import quote_cell
from annotation.importers.formats.column_fields import all_fields
from annotation.importers.formats.table import FORMATS
from annotation.models import Criterion, ImportJob
from annotation.permissions import Role
from annotation.selectors.import_previews import get_import, import_jobs, preview_import
from annotation.services.import_uploads import cancel_import, start_import
from annotation.web.edge import address_of, open_project, page, person, project_context
from annotation.web.import_view import describe_import, preview_prompts
from annotation.web.newest import newest_page

COLUMN = "column-"


@page()
def show_imports(request: HttpRequest, slug: str) -> HttpResponse:
    """The project's imports, newest first, a page at a time."""
    project = open_project(request, slug, Role.MANAGER)
    listed = newest_page(import_jobs(project=project), before=request.GET.get("before", ""))
    context = project_context(request, project, "data", imports=listed.rows, older=listed.older)
    return render(request, "annotation/imports.html", context)


@page()
def show_import(request: HttpRequest, slug: str, import_job_id: int) -> HttpResponse:
    """Format, mapping and preview while the file waits; progress and outcome afterwards."""
    job = _open(request, slug, import_job_id)
    context = project_context(request, job.project, "data", job=job, view=describe_import(job))
    if not job.is_under_way and job.stored_name:
        context |= _plan_context(request, job)
    return render(request, "annotation/import_job.html", context)


def _plan_context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """The format that was chosen on the page, used before, or recognised, and what it makes of the first records."""
    chosen = request.GET.get("format", job.format)
    mapping = _mapping(request) if "format" in request.GET else dict(job.mapping)
    preview = preview_import(job=job, format_name=chosen, mapping=mapping)
    if "format" in request.GET and preview.sentence and mapping:
        # The columns of another format: what was mapped before does not fit it.
        preview = preview_import(job=job, format_name=chosen)
    return {
        "preview": preview,
        "prompts": preview_prompts(preview.prompts),
        "columns": [(name, preview.mapping.get(name, "")) for name in preview.columns] if preview.is_table else [],
        "formats": list(FORMATS.values()),
        "fields": all_fields(),
        "may_infer": not Criterion.objects.filter(project=job.project).exists(),
    }


@page()
def show_import_live(request: HttpRequest, slug: str, import_job_id: int) -> HttpResponse:
    """The part of the page that changes while an import runs."""
    job = _open(request, slug, import_job_id)
    context = project_context(request, job.project, "data", job=job, view=describe_import(job))
    response = render(request, "annotation/_import_live.html", context)
    if not job.is_under_way:
        response.headers["HX-Refresh"] = "true"
    return response


@page("POST")
def begin_import(request: HttpRequest, slug: str, import_job_id: int) -> HttpResponse:
    """Starts or repeats the import as the form says."""
    job = _open(request, slug, import_job_id)
    try:
        start_import(
            job=job,
            actor=person(request),
            format_name=request.POST.get("format", ""),
            mapping=_mapping(request),
            is_dry_run=request.POST.get("do") == "check",
            infer_criteria=request.POST.get("infer_criteria") == "on",
            address=address_of(request),
        )
    except ApplicationError as error:
        messages.error(request, error.message)
    return redirect("import_job", slug=slug, import_job_id=job.pk)


@page("POST")
def stop_import(request: HttpRequest, slug: str, import_job_id: int) -> HttpResponse:
    """Cancels the import."""
    job = _open(request, slug, import_job_id)
    try:
        cancel_import(job=job, actor=person(request), address=address_of(request))
    except ApplicationError as error:
        messages.error(request, error.message)
    return redirect("import_job", slug=slug, import_job_id=job.pk)


@page()
def download_errors(request: HttpRequest, slug: str, import_job_id: int) -> HttpResponse:
    """The errors that were kept, as CSV."""
    job = _open(request, slug, import_job_id)
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="import-{job.pk}-errors.csv"'},
    )
    writer = csv.writer(response)
    writer.writerow(["line", "field", "message"])
    for line, field, message in job.errors:
        writer.writerow([line, quote_cell(field), quote_cell(message)])
    return response


def _open(request: HttpRequest, slug: str, import_job_id: int) -> ImportJob:
    project = open_project(request, slug, Role.MANAGER)
    job = get_import(user=person(request), import_job_id=import_job_id)
    if job.project_id != project.pk:
        raise NotFound("There is no such import in this project.")
    return job


def _mapping(request: HttpRequest) -> dict[str, str]:
    """The fields that were chosen, and the columns' names, which come beside them by number."""
    given = request.POST if request.method == "POST" else request.GET
    beside = f"{COLUMN}name-"
    names = {key.removeprefix(beside): str(value) for key, value in given.items() if key.startswith(beside)}
    fields = {number: str(given.get(f"{COLUMN}field-{number}", "")).strip() for number in names}
    return {names[number]: field for number, field in fields.items() if field}
