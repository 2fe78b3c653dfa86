"""Stored rankings -> the choices that consensus and bias read. No text comes into memory, only what is needed of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import numpy as np
import orjson
from django.db import connection, transaction

from annotation.consensus.choices import Choices, ResponseFacts, collect_choices
from annotation.models import Project

ROWS_A_FETCH = 5000
SPACE = r"'^\s+|\s+$'"
MARKDOWN = r"'(^|\n)\s*(#{1,6}\s|[-*+]\s|\d+[.)]\s|>\s|\|)|\*\*[^*\n]+\*\*|`[^`\n]+`|```'"
# A large project has many tasks that nobody has come to yet, whose texts would be read for nothing.
RANKED = "EXISTS (SELECT FROM annotation_judgment j WHERE j.task_id = t.id AND j.is_current AND j.kind = 'ranking')"


def _facts_statement(wanted: str) -> str:
    """Equal texts to equal prompts are one response, wherever they stand: their digests say so."""
    return f"""
SELECT DISTINCT r.id, md5(p.messages::text), md5(regexp_replace(r.text, {SPACE}, '', 'g')), r.source,
       char_length(r.text), regexp_count(r.text, {MARKDOWN})
FROM annotation_task t
JOIN annotation_prompt p ON p.id = t.prompt_id
JOIN annotation_taskresponse o ON o.task_id = t.id
JOIN annotation_response r ON r.id = o.response_id
WHERE t.project_id = %(project)s AND t.kind = 'ranking' AND {wanted}
ORDER BY r.id
"""  # noqa: S608 - constants of this module


def _tasks_statement(wanted: str) -> str:
    return f"""
SELECT t.id, array_agg(r.key ORDER BY o.position), array_agg(r.id ORDER BY o.position)
FROM annotation_task t
JOIN annotation_taskresponse o ON o.task_id = t.id
JOIN annotation_response r ON r.id = o.response_id
WHERE t.project_id = %(project)s AND t.kind = 'ranking' AND {wanted}
GROUP BY t.id
"""  # noqa: S608 - constants of this module


RANKINGS = """
SELECT j.id, j.task_id, j.annotator_id, j.tiers::text, j.shown_order::text, j.active_ms
FROM annotation_judgment j
JOIN annotation_task t ON t.id = j.task_id AND (t.purpose = 'normal' OR t.purpose = 'gold' AND NOT %(exclude_gold)s)
JOIN annotation_user u ON u.id = j.annotator_id
WHERE j.project_id = %(project)s AND j.is_current AND j.kind = 'ranking'
  AND (%(since)s::timestamptz IS NULL OR j.created_at >= %(since)s)
  AND (NOT %(exclude_simulated)s OR u.origin <> 'simulated')
ORDER BY j.id
"""


def load_choices(
    *,
    project: Project,
    since: datetime | None = None,
    exclude_simulated: bool = False,
    exclude_gold: bool = True,
    with_unranked: bool = False,
) -> Choices:
    """All choices of a project's current rankings, in the order of their arrival.

    with_unranked: facts of responses too that nobody has ranked; their texts may stand elsewhere and be ranked there.
    Memory: a few integers a choice and a response. Each statement sees what is there when it begins: a task that came
    or went between two of them is left out with its rankings.
    """
    parameters = {
        "project": project.pk,
        "since": since,
        "exclude_simulated": exclude_simulated,
        "exclude_gold": exclude_gold,
    }
    wanted = "true" if with_unranked else RANKED
    with transaction.atomic():
        facts = _load_facts(project, wanted)
        tasks = _load_tasks(project, wanted, facts)
        rankings = (ranking for ranking in _stream(RANKINGS, parameters) if ranking[1] in tasks)
        return collect_choices(rankings, facts=facts, responses_of_task=tasks, parse=orjson.loads)


def _load_facts(project: Project, wanted: str) -> ResponseFacts:
    numbers: dict[Any, int] = {}
    rows = [
        (pk, _number(numbers, (asked, said)), _number(numbers, asked), source, characters, marks)
        for pk, asked, said, source, characters, marks in _stream(_facts_statement(wanted), {"project": project.pk})
    ]
    pk, text, prompt, source, characters, marks = zip(*rows, strict=True) if rows else [()] * 6
    whole = [np.array(column, np.int64) for column in (pk, text, prompt, characters, marks)]
    return ResponseFacts(whole[0], whole[1], whole[2], np.array(source, str), whole[3], whole[4])


def _number(numbers: dict[Any, int], thing: Any) -> int:
    return numbers.setdefault(thing, len(numbers))


def _load_tasks(
    project: Project, wanted: str, facts: ResponseFacts
) -> Mapping[int, tuple[tuple[str, ...], Sequence[int]]]:
    lists: dict[tuple[str, ...], tuple[str, ...]] = {}
    found = {}
    for task, keys, responses in _stream(_tasks_statement(wanted), {"project": project.pk}):
        # Most tasks name their responses alike: one list of keys serves them all.
        named = lists.setdefault(tuple(keys), tuple(keys))
        ids = np.array(responses)
        if facts.knows(ids):
            found[task] = (named, facts.find(ids).tolist())
    return found


def _stream(statement: str, parameters: Mapping[str, Any]) -> Iterator[Any]:
    connection.ensure_connection()
    with connection.connection.cursor(name=f"choices_{uuid4().hex}") as cursor:
        cursor.itersize = ROWS_A_FETCH
        cursor.execute(statement, parameters)
        yield from cursor
