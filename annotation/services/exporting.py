"""Judgments -> files."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import permutations
from typing import Any

from annotation.exceptions import ApplicationError
from annotation.exports.formats import FORMATS, ExportError, export_rows
from annotation.exports.prompt_group import PromptGroup
from annotation.models import Project, User
from annotation.permissions import Role, require_role
from annotation.selectors.canonical import RecordFilters, prompt_groups
from annotation.selectors.leanings import load_leanings
from annotation.services import audit


def export_project(
    *,
    project: Project,
    actor: User | None,
    format_name: str,
    view: str = "judgments",
    filters: dict[str, Any] | None = None,
    address: str | None = None,
    dropped: Counter[str] | None = None,
) -> Iterator[bytes]:
    """The lines of an export, in constant memory; the audit event is written before the first of them.

    actor: None for the product itself (commands). People appear under their pseudonyms.
    filters: as RecordFilters takes them. Gold tasks test people: only a format that copies the whole project has them
    unless `exclude_gold` is given. dropped: counts pairs that give no row, as `export_rows` does, while lines are read.
    Raises: NotFound, NotPermitted, ApplicationError(code="no_such_export") for an unknown format, view or filter;
    all before the first line.
    """
    if actor is not None:
        require_role(user=actor, project=project, role=Role.MANAGER)
    try:
        rows = export_rows(
            _groups(project, _with_default(filters, format_name), view),
            format_name=format_name,
            kind=project.kind,
            view=view,
            dropped=dropped,
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
    return FORMATS[format_name].encode(rows)


def _groups(project: Project, filters: dict[str, Any], view: str) -> Iterator[PromptGroup]:
    RecordFilters.read(filters)
    return _with_leanings(project, filters) if view == "consensus" else prompt_groups(project=project, filters=filters)


def _with_leanings(project: Project, filters: dict[str, Any]) -> Iterator[PromptGroup]:
    """The groups with what the crowd says of each pair, both ways round; the model is fitted before the first."""
    leanings = load_leanings(project=project, prompts_by="external_id", **asdict(RecordFilters.read(filters)))
    for group in prompt_groups(project=project, filters=filters):
        keys = [response["id"] for response in group.responses]
        found = {(one, other): leanings.of(group.prompt_id, one, other) for one, other in permutations(keys, 2)}
        yield replace(group, leanings={pair: leaning for pair, leaning in found.items() if leaning is not None})


def _with_default(filters: dict[str, Any] | None, format_name: str) -> dict[str, Any]:
    given = {name: value for name, value in (filters or {}).items() if value is not None}
    known = FORMATS.get(format_name)
    return {"exclude_gold": known is None or not known.is_whole, **given}
