"""What an uploaded file holds, and how its first records would be imported."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files.storage import storages
from django.db.models import QuerySet

from annotation.exceptions import NotFound
from annotation.importers.choosing import ImportPlan, plan_import
from annotation.importers.line_errors import LineError
from annotation.importers.records import ImportedPrompt
from annotation.importers.sources.container import SourceFile
from annotation.importers.sources.row import SourceError
from annotation.models import ImportJob, Project, User
from annotation.permissions import Role, require_role

SHOWN_PROMPTS = 5
LOOKED_AT = 50
"""Records that a preview reads at most."""


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """The beginning of a file as it would be imported."""

    format_name: str = ""
    container: str = ""
    is_table: bool = False
    columns: list[str] = field(default_factory=list)
    mapping: Mapping[str, str] = field(default_factory=dict)
    prompts: list[ImportedPrompt] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    sentence: str = ""
    """Why there is no preview at all."""


@contextmanager
def open_plan(
    job: ImportJob, *, format_name: str | None, mapping: Mapping[str, str]
) -> Iterator[tuple[ImportPlan, SourceFile]]:
    """How the stored file of an import is read. Raises: SourceError"""
    with storages["artifacts"].open(job.stored_name) as file:
        source = SourceFile(cast(BinaryIO, file.file), most_unpacked=settings.MAX_UNPACKED_BYTES)
        plan = plan_import(
            source.rows(), source.container, format_name=format_name, mapping=mapping, kind=job.project.kind
        )
        yield plan, source


def preview_import(*, job: ImportJob, format_name: str = "", mapping: Mapping[str, str] | None = None) -> ImportPreview:
    """The first prompts and errors; a wish that doesn't fit the file is said in `sentence`."""
    if not job.stored_name:
        return ImportPreview(sentence="The file was removed; upload it again.")
    try:
        with open_plan(job, format_name=format_name or None, mapping=mapping or {}) as (plan, source):
            found = list(islice(plan.read(), LOOKED_AT))
            return ImportPreview(
                plan.form.name,
                source.container,
                plan.form.is_table,
                plan.columns,
                plan.mapping,
                [each for each in found if isinstance(each, ImportedPrompt)][:SHOWN_PROMPTS],
                [each for each in found if isinstance(each, LineError)],
            )
    except SourceError as error:
        return ImportPreview(format_name, mapping=mapping or {}, sentence=str(error))


def import_jobs(*, project: Project) -> QuerySet[ImportJob]:
    """The project's imports, newest first, without their lists of errors."""
    return ImportJob.objects.filter(project=project).defer("errors").order_by("-id")


def get_import(*, user: User, import_job_id: int) -> ImportJob:
    """An import, for managers of its project. Raises: NotFound, NotPermitted"""
    job = ImportJob.objects.select_related("project").filter(pk=import_job_id).first()
    if job is None:
        raise NotFound("There is no such import.")
    require_role(user=user, project=job.project, role=Role.MANAGER)
    return job
