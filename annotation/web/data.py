"""Feedback in and out: upload of a file to import, exports."""

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.exceptions import ApplicationError
from annotation.exports.formats import FORMATS, ExportFormat
from annotation.importers.formats.table import FORMATS as IMPORT_FORMATS
from annotation.models import Judgment, Project
from annotation.permissions import Role
from annotation.selectors.import_previews import import_jobs
from annotation.services.import_uploads import upload_import
from annotation.web.edge import address_of, open_project, page, person, project_context
from annotation.web.forms import ImportForm, add_faults

LATEST_IMPORTS = 5


@page("GET", "POST")
def show_data(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes a file to import and goes on to its page; exports."""
    project = open_project(request, slug, Role.MANAGER)
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    if request.method == "POST" and form.is_valid():
        file: UploadedFile = form.cleaned_data["file"]
        try:
            job = upload_import(
                project=project,
                actor=person(request),
                chunks=file.chunks(),
                file_name=file.name or "",
                address=address_of(request),
            )
            return redirect("import_job", slug=slug, import_job_id=job.pk)
        except ApplicationError as error:
            add_faults(form, error)
    context = project_context(
        request,
        project,
        "data",
        form=form,
        exports=_exports(project),
        formats=list(IMPORT_FORMATS.values()),
        imports=import_jobs(project=project)[:LATEST_IMPORTS],
        judgments=Judgment.objects.filter(project=project, is_current=True).count(),
    )
    return render(request, "annotation/data.html", context, status=400 if form.errors else 200)


def _exports(project: Project) -> list[ExportFormat]:
    return [each for each in FORMATS.values() if project.kind in each.kinds]
