"""Judgments -> files."""

from collections.abc import Iterator
from typing import Any

from annotation.exceptions import ApplicationError
from annotation.exports.formats import FORMATS, ExportError, export_rows
from annotation.exports.json_lines import encode_rows
from annotation.models import Project, User
from annotation.permissions import Role, require_role
from annotation.selectors.canonical import prompt_groups
from annotation.services import audit


def export_project(
    *,
    project: Project,
    actor: User | None,
    format_name: str,
    view: str = "judgments",
    filters: dict[str, Any] | None = None,
    address: str | None = None,
) -> Iterator[bytes]:
    """The lines of an export, in constant memory; the audit event is written before the first of them.

    actor: None for the product itself (commands). People appear under their pseudonyms.
    filters: as RecordFilters takes them. Gold tasks test people: only a format that copies the whole project has them
    unless `exclude_gold` is given.
    Raises: NotFound, NotPermitted, ApplicationError(code="no_such_export") for an unknown format, view or filter;
    all before the first line.
    """
    if actor is not None:
        require_role(user=actor, project=project, role=Role.MANAGER)
    try:
        rows = export_rows(
            prompt_groups(project=project, filters=_with_default(filters, format_name)),
            format_name=format_name,
            kind=project.kind,
            view=view,
        )
    except ExportError as error:
        raise ApplicationError(f"{error}.", code="no_such_export") from None
    audit.record(
        actor=actor,
        action="export_project",
        obj=project,
        project=project,
        data={"format": format_name, "view": view},
        address=address,
    )
    return encode_rows(rows)


def _with_default(filters: dict[str, Any] | None, format_name: str) -> dict[str, Any]:
    given = {name: value for name, value in (filters or {}).items() if value is not None}
    known = FORMATS.get(format_name)
    return {"exclude_gold": known is None or not known.is_whole, **given}
