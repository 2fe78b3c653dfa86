"""A project's judgments as canonical records, streamed: one task in memory at a time, one moment in time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import uuid4

import orjson
from django.db import connection, transaction

from annotation.exceptions import ApplicationError
from annotation.exports.canonical import CanonicalRecord, ResponseRecord, build_record, build_response
from annotation.exports.prompt_group import PromptGroup
from annotation.kinds.registry import answer_from_mapping
from annotation.models import FeedbackKind, Project, User

ROWS_A_FETCH = 500

# One statement is one snapshot of the database, so an export taken while people judge is consistent. The parts of a
# row are gathered by sub-queries, which Postgres runs as the cursor moves: memory does not grow with the project.
TASKS = """
SELECT t.id, t.external_id, t.kind, t.gold, p.id, p.external_id, p.messages, p.tags, p.metadata,
    (SELECT jsonb_agg(jsonb_build_array(r.key, r.text, r.source, r.sampling) ORDER BY o.position)
     FROM annotation_taskresponse o JOIN annotation_response r ON r.id = o.response_id WHERE o.task_id = t.id),
    (SELECT jsonb_agg(jsonb_build_object(
        'id', j.id, 'revision', j.revision, 'shown_order', j.shown_order, 'lease', j.lease_token,
        'created_at', j.created_at, 'annotator', u.pseudonym, 'simulated', u.origin = %(simulated)s,
        'tiers', j.tiers, 'bad', j.bad, 'unranked', j.unranked, 'strength', j.strength, 'scores', j.scores,
        'rationale', j.rationale, 'rationales', j.rationales, 'confidence', j.confidence,
        'active_ms', j.active_ms) ORDER BY j.id)
     FROM annotation_judgment j JOIN annotation_user u ON u.id = j.annotator_id
     WHERE j.task_id = t.id AND j.is_current
       AND (%(since)s::timestamptz IS NULL OR j.created_at >= %(since)s)
       AND (NOT %(exclude_simulated)s OR u.origin <> %(simulated)s)),
    (SELECT jsonb_build_object('id', v.id, 'answer', v.answer, 'annotator', u.pseudonym, 'created_at', v.created_at,
        'outcome', v.outcome)
     FROM annotation_verdict v JOIN annotation_user u ON u.id = v.reviewer_id
     WHERE v.task_id = t.id AND v.is_current)
FROM annotation_task t JOIN annotation_prompt p ON p.id = t.prompt_id
WHERE t.project_id = %(project)s AND (t.purpose = 'normal' OR t.purpose = 'gold' AND NOT %(exclude_gold)s)
ORDER BY t.prompt_id, t.id
"""


@dataclass(frozen=True, slots=True)
class RecordFilters:
    """Which judgments to leave out."""

    since: datetime | None = None
    exclude_simulated: bool = False
    exclude_gold: bool = True
    """Whether to leave out gold tasks, which test people; practice, tests and repeats never appear."""

    @classmethod
    def read(cls, filters: dict[str, Any] | None) -> "RecordFilters":
        """Filters as a snapshot or an API call names them. Raises: ApplicationError naming what is unknown."""
        given = dict(filters or {})
        unknown = sorted(set(given) - {"since", "exclude_simulated", "exclude_gold"})
        if unknown:
            raise ApplicationError(f"No such filter: {', '.join(unknown)}.", extra={"field": unknown[0]})
        if isinstance(given.get("since"), str):
            given["since"] = _read_time(given["since"])
        return cls(**given)


def _read_time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ApplicationError(
            "since must be a time with its zone, such as 2026-02-01T10:00:00Z.", extra={"field": "since"}
        )
    return moment


def canonical_records(*, project: Project, filters: dict[str, Any] | None = None) -> Iterator[CanonicalRecord]:
    """The current judgments of a project, by prompt, task and time of arrival.

    filters: {"since": time, "exclude_simulated": bool, "exclude_gold": bool (true unless said otherwise)}, each
    optional.
    """
    groups = prompt_groups(project=project, filters=filters)
    return (record for group in groups for record in group.records)


def prompt_groups(*, project: Project, filters: dict[str, Any] | None = None) -> Iterator[PromptGroup]:
    """All tasks of a project with their judgments, as the export formats take them.

    A ranking group is one task; a scalar group is all tasks of one prompt, one response each. What is read is the
    moment of the first row. The stream holds a transaction open until it ends or is closed.
    Raises: ApplicationError for an unknown filter, at once.
    """
    return _groups(project, RecordFilters.read(filters))


def _groups(project: Project, filters: RecordFilters) -> Iterator[PromptGroup]:
    tasks = _stream_tasks(project, filters)
    if project.kind == FeedbackKind.RANKING:
        for task in tasks:
            yield _group(project, [task])
        return
    for _, of_prompt in groupby(tasks, key=lambda task: task.prompt_pk):
        yield _group(project, list(of_prompt))


@dataclass(frozen=True, slots=True)
class _TaskRow:
    pk: int
    external_id: str
    kind: str
    gold: dict[str, Any] | None
    prompt_pk: int
    prompt_id: str
    messages: list[Any]
    tags: list[str]
    metadata: dict[str, Any]
    responses: list[list[Any]]
    judgments: list[dict[str, Any]]
    verdict: dict[str, Any] | None


def _stream_tasks(project: Project, filters: RecordFilters) -> Iterator[_TaskRow]:
    parameters = {
        "project": project.pk,
        "simulated": User.Origin.SIMULATED.value,
        "since": filters.since,
        "exclude_simulated": filters.exclude_simulated,
        "exclude_gold": filters.exclude_gold,
    }
    with transaction.atomic():
        connection.ensure_connection()
        with connection.connection.cursor(name=f"records_{uuid4().hex}") as cursor:
            cursor.itersize = ROWS_A_FETCH
            cursor.execute(TASKS, parameters)
            for row in cursor:
                yield _TaskRow(*row[:3], *(_parse(value) for value in row[3:4]), *row[4:6], *_parsed(row[6:]))


def _parsed(values: tuple[Any, ...]) -> list[Any]:
    *plain, responses, judgments, verdict = (_parse(value) for value in values)
    return [*plain, responses or [], judgments or [], verdict]


def _parse(value: Any) -> Any:
    """Django's connections hand JSON over as text, so that each field may parse it its own way."""
    return orjson.loads(value) if isinstance(value, str) else value


def _group(project: Project, tasks: list[_TaskRow]) -> PromptGroup:
    first = tasks[0]
    responses = {
        key: build_response(key=key, text=text, source=source, sampling=sampling)
        for task in tasks
        for key, text, source, sampling in task.responses
    }
    return PromptGroup(
        external_id=first.external_id if first.kind == FeedbackKind.RANKING else first.prompt_id,
        prompt_id=first.prompt_id,
        kind=first.kind,
        prompt=first.messages,
        responses=list(responses.values()),
        records=[record for task in tasks for record in _records(project, task, responses)],
        gold=_gold(tasks),
        verdict=_verdict(project, first, responses),
        is_unusable=first.kind == FeedbackKind.RANKING and (first.verdict or {}).get("outcome") == "unusable",
        tags=first.tags,
        metadata=first.metadata,
    )


def _records(project: Project, task: _TaskRow, responses: dict[str, ResponseRecord]) -> Iterator[CanonicalRecord]:
    shown = [responses[key] for key, *_ in task.responses]
    for said in task.judgments:
        yield build_record(
            answer=answer_from_mapping(task.kind, _answer(task.kind, said)),
            answer_id=str(said["id"]),
            task_id=str(task.pk),
            prompt_id=task.prompt_id,
            project=project.slug,
            prompt=task.messages,
            responses=shown,
            annotator=said["annotator"],
            created_at=datetime.fromisoformat(said["created_at"]),
            revision=said["revision"],
            shown_order=said["shown_order"],
            simulated=said["simulated"],
            gold=task.gold is not None,
            lease=said["lease"],
        )


def _verdict(project: Project, task: _TaskRow, responses: dict[str, ResponseRecord]) -> CanonicalRecord | None:
    """The verdict on a ranking; scalar tasks share a group, so theirs have no single one."""
    if task.verdict is None or task.verdict["answer"] is None or task.kind != FeedbackKind.RANKING:
        return None
    return build_record(
        answer=answer_from_mapping(task.kind, task.verdict["answer"]),
        answer_id=f"verdict-{task.verdict['id']}",
        task_id=str(task.pk),
        prompt_id=task.prompt_id,
        project=project.slug,
        prompt=task.messages,
        responses=[responses[key] for key, *_ in task.responses],
        annotator=task.verdict["annotator"],
        created_at=datetime.fromisoformat(task.verdict["created_at"]),
        gold=task.gold is not None,
    )


ANSWER_FIELDS = {
    "scalar": ("scores", "rationale", "rationales", "confidence", "active_ms"),
    "ranking": ("tiers", "bad", "unranked", "strength", "scores", "rationale", "rationales", "confidence", "active_ms"),
}


def _answer(kind: str, said: dict[str, Any]) -> dict[str, Any]:
    return {field: said[field] for field in ANSWER_FIELDS[kind]}


def _gold(tasks: list[_TaskRow]) -> Any:
    """The known answer of a ranking; of scalar tasks the known scores of all their responses together."""
    known = [task.gold for task in tasks if task.gold is not None]
    if not known:
        return None
    scores: dict[str, dict[str, Any]] = {}
    for gold in known:
        for name, by_response in gold["scores"].items():
            scores.setdefault(name, {}).update(by_response)
    return answer_from_mapping(tasks[0].kind, {**known[0], "scores": scores})
