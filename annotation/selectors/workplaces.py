"""A project as somebody at work needs it: with their role and its criteria, in one statement."""

from collections.abc import Sequence
from typing import Any

import orjson

from annotation.exceptions import NotFound
from annotation.models import Criterion, Project, User
from annotation.permissions import remember_role
from annotation.statements import Columns, fetch_row

_CRITERION = Columns(Criterion)
_PROJECT = Columns(
    Project,
    without=[
        "agreement_gate",
        "skips_per_day",
        "skips_to_hold",
        "reserve_slots",
        "is_demo",
        "created_by_id",
        "created_at",
    ],
)

CRITERIA = f"""
(SELECT json_agg(json_build_array({_CRITERION.of("c")}) ORDER BY c.position, c.id)
 FROM annotation_criterion c WHERE c.project_id = p.id)::text
"""  # noqa: S608 - joins the names of our own columns
"""All criteria of project `p` as JSON: what `build_criteria` takes."""


def workplace_statement(*, user: str, superuser: str) -> str:
    """Reads the project of `slug` with this person's role and whether any task has a purpose of its own."""
    return f"""
SELECT {_PROJECT.of("p")}, m.role, {CRITERIA} AS criteria,
       p.qualification_tasks > 0 OR p.repeat_rate > 0
       OR EXISTS (SELECT FROM annotation_task t WHERE t.project_id = p.id AND t.purpose <> 'normal')
       OR EXISTS (SELECT FROM annotation_pause z WHERE z.project_id = p.id AND z.person_id = {user}
                  AND z.state = 'accepted') AS has_special_tasks
FROM annotation_project p
LEFT JOIN annotation_membership m ON m.project_id = p.id AND m.user_id = {user}
WHERE p.slug = %(slug)s AND ({superuser} OR m.id IS NOT NULL)
"""  # noqa: S608 - joins the names of our own columns


WORKPLACE_COLUMNS = len(_PROJECT) + 3
_WORKPLACE = workplace_statement(user="%(user)s", superuser="%(superuser)s")


def find_workplace(*, user: User, slug: str) -> Project:
    """The project of that slug with its criteria at hand. Raises: NotFound for outsiders, whether it exists or not."""
    row = fetch_row(_WORKPLACE, {"user": user.pk, "slug": slug, "superuser": user.is_superuser})
    return read_workplace(row or (None,), user=user)


def read_workplace(row: Sequence[Any], *, user: User) -> Project:
    """The project out of a row that begins as `workplace_statement` says, all null without one. Raises: NotFound."""
    if row[0] is None:
        raise NotFound("There is no such project.")
    project = _PROJECT.build(row[: len(_PROJECT)])
    role, criteria, has_special_tasks = row[len(_PROJECT) : WORKPLACE_COLUMNS]
    remember_role(user=user, project=project, role=role)
    keep_criteria(project, build_criteria(criteria))
    project.has_special_tasks = has_special_tasks  # type: ignore[attr-defined]
    return project


def build_criteria(text: str | None) -> list[Criterion]:
    """The rows that CRITERIA gave."""
    rows: Sequence[Sequence[Any]] = orjson.loads(text) if text else []
    return [_CRITERION.build(row) for row in rows]


def keep_criteria(project: Project, criteria: list[Criterion]) -> None:
    """Makes `project.criteria.all()` cost no further query; anything asked beyond that still finds this project's."""
    found = project.criteria.all()  # Its filter waits until somebody needs it.
    found._result_cache = criteria
    project._prefetched_objects_cache = {"criteria": found}  # type: ignore[attr-defined]
