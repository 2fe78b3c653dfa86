"""A slot filled in one statement: the judgment, what follows from it, the draft's end and the audit event."""

from functools import cache
from typing import Any

import orjson
from django.db import connection
from django.db.models import CharField, JSONField, TextField

from annotation.kinds.registry import Answer
from annotation.models import Judgment
from annotation.services.judgment_rows import AnswerSheet, build_preferences, build_scores
from annotation.statements import write_row

# The UPDATE is the gate. It waits for whoever holds the row and then looks again, so of several submits at once one
# passes; the others find nothing, and so does one whose slot went to somebody else.
_FILL = """
WITH filled AS (
    UPDATE annotation_slot SET state = 'submitted', annotator_id = %(actor)s
    WHERE id = %(slot)s AND lease_token = %(token)s
      AND (state = 'leased' AND annotator_id = %(actor)s OR state = 'free' AND last_annotator_id = %(actor)s)
    RETURNING id
), judged AS (
    INSERT INTO annotation_judgment ({columns}) SELECT {values} FROM filled RETURNING id
), scored AS (
    INSERT INTO annotation_score (judgment_id, criterion_id, response_id, value)
    SELECT judged.id, each.criterion, each.response, each.value
    FROM judged, unnest(%(score_criteria)s::bigint[], %(score_responses)s::bigint[], %(score_values)s::float8[])
        AS each(criterion, response, value)
), preferred AS (
    INSERT INTO annotation_preference (judgment_id, chosen_id, rejected_id, strength, derived_from)
    SELECT judged.id, each.chosen, each.rejected, each.strength, %(derived_from)s
    FROM judged, unnest(%(chosen)s::bigint[], %(rejected)s::bigint[], %(strengths)s::float8[])
        AS each(chosen, rejected, strength)
), cleared AS (
    DELETE FROM annotation_draft d USING judged WHERE d.task_id = %(task)s AND d.annotator_id = %(actor)s
), noted AS (
    INSERT INTO annotation_auditevent (at, actor_id, action, object_type, object_id, project_id, data, address)
    SELECT clock_timestamp(), %(actor)s, 'submit_judgment', 'judgment', judged.id::text, %(project)s,
           '{{}}'::jsonb, %(address)s::inet
    FROM judged
)
SELECT id FROM judged
"""


def fill_slot(judgment: Judgment, answer: Answer, sheet: AnswerSheet, *, address: str | None) -> bool:
    """Writes an unsaved judgment with all that goes with it, if its slot is still its annotator's; tells whether.

    One statement is one transaction: all of it is there, or nothing. Raises: IntegrityError where the judgment cannot
    stand beside another one.
    """
    values = {**_column_values(judgment), **_derived(judgment, answer, sheet)}
    values |= {
        "actor": judgment.annotator_id,
        "slot": judgment.slot_id,
        "token": judgment.lease_token,
        "task": judgment.task_id,
        "project": judgment.project_id,
        "address": address,
    }
    row = write_row(_statement(), values)
    if row is None:
        return False
    judgment.pk = row[0]
    judgment._state.adding = False
    return True


def _derived(judgment: Judgment, answer: Answer, sheet: AnswerSheet) -> dict[str, Any]:
    scores = build_scores(judgment, answer, sheet)
    pairs = build_preferences(judgment, answer, sheet)
    return {
        "score_criteria": [row.criterion_id for row in scores],
        "score_responses": [row.response_id for row in scores],
        "score_values": [float(row.value) for row in scores],
        "chosen": [row.chosen_id for row in pairs],
        "rejected": [row.rejected_id for row in pairs],
        "strengths": [row.strength for row in pairs],
        "derived_from": answer.kind,
    }


@cache
def _statement() -> str:
    """Every column that a judgment has, so that a new one cannot be forgotten here."""
    fields = [field for field in Judgment._meta.concrete_fields if not field.primary_key]
    casts = [f"%(j_{field.column})s::{_type(field)}" for field in fields]
    return _FILL.format(columns=", ".join(str(field.column) for field in fields), values=", ".join(casts))


def _type(field: Any) -> str | None:
    # A cast to varchar(n) would cut a text that is too long; as text it is refused by the column.
    if isinstance(field, (CharField, TextField)):
        return "text"
    return field.rel_db_type(connection) if field.is_relation else field.db_type(connection)


def _column_values(judgment: Judgment) -> dict[str, Any]:
    values = {}
    for field in Judgment._meta.concrete_fields:
        if not field.primary_key:
            value = field.pre_save(judgment, True)
            is_json = isinstance(field, JSONField) and value is not None
            values[f"j_{field.column}"] = orjson.dumps(value).decode() if is_json else value
    return values
