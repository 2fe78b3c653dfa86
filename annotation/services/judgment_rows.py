"""Answers -> rows. Used wherever judgments are written: submit, amend, accepted late answers, imports."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.blinding import answer_to_letters
from annotation.exceptions import InvalidAnswer
from annotation.kinds.criteria import CriterionSpec
from annotation.kinds.faults import AnswerError
from annotation.kinds.registry import Answer, answer_from_mapping, parse_answer, to_preferences
from annotation.models import Criterion, Judgment, Preference, Score, Task, TaskResponse


@dataclass(frozen=True, slots=True)
class AnswerSheet:
    """What is needed to check an answer to one task and to derive its rows."""

    task: Task
    response_ids: dict[str, int]
    """Response key -> row id, in stored order."""
    criteria: dict[str, Criterion]
    slot_id: int | None = None
    """The slot that the lease token of the answer names, as far as it is known."""
    slot_number: int = 1
    characters: int = 0
    """Of all its responses together; 0 where nobody asks."""
    earlier: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]] = ()
    """What the person ranked last, newest first: (order shown, tiers); empty where nobody asks."""


def load_sheet(task: Task) -> AnswerSheet:
    """The sheet of a stored task; two queries."""
    rows = TaskResponse.objects.filter(task=task).order_by("position").values_list("response__key", "response_id")
    criteria = Criterion.objects.filter(project_id=task.project_id)
    return AnswerSheet(task, dict(rows), {criterion.name: criterion for criterion in criteria})


def criterion_specs(criteria: Iterable[Criterion]) -> list[CriterionSpec]:
    """The scales as the pure side knows them."""
    return [CriterionSpec(row.name, row.minimum, row.maximum, row.step, row.required) for row in criteria]


def check_answer(sheet: AnswerSheet, answer: Mapping[str, Any], *, shown_order: list[str] | None = None) -> Answer:
    """The checked answer.

    shown_order: given where an annotator will read the faults; these then speak of letters, because a message such
    as "response 'model-x' is missing" would unblind the task.
    Raises: InvalidAnswer
    """
    specs = criterion_specs(sheet.criteria.values())
    try:
        return parse_answer(sheet.task.kind, answer, response_keys=list(sheet.response_ids), criteria=specs)
    except AnswerError as error:
        faults = error.faults if shown_order is None else _blind_faults(sheet, answer, shown_order, specs)
        sentence = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults)
        raise InvalidAnswer(sentence, extra={"faults": faults}) from None


def _blind_faults(
    sheet: AnswerSheet, answer: Mapping[str, Any], shown_order: list[str], specs: list[CriterionSpec]
) -> list[Any]:
    """The same faults as seen in letters."""
    if not isinstance(answer, Mapping):
        return [{"field": "answer", "message": "expected an object"}]
    lettered = answer_to_letters(answer, shown_order)
    names = [chr(ord("A") + position) for position in range(len(shown_order))]
    try:
        parse_answer(sheet.task.kind, lettered, response_keys=names, criteria=specs)
    except AnswerError as error:
        return list(error.faults)
    return [{"field": "answer", "message": "does not fit this task"}]


def stored_answer(judgment: Judgment) -> Answer:
    """The answer that a judgment holds."""
    mapping = {
        "scores": judgment.scores,
        "rationale": judgment.rationale,
        "rationales": judgment.rationales,
        "confidence": judgment.confidence,
        "active_ms": judgment.active_ms,
    }
    if judgment.kind == "ranking":
        mapping |= {
            "tiers": judgment.tiers,
            "bad": judgment.bad,
            "unranked": judgment.unranked,
            "strength": judgment.strength,
        }
    return answer_from_mapping(judgment.kind, mapping)


def build_judgment(answer: Answer, **fields: Any) -> Judgment:
    """An unsaved judgment that holds the answer."""
    return Judgment(kind=answer.kind, **answer.as_mapping(), **fields)


def build_scores(judgment: Judgment, answer: Answer, sheet: AnswerSheet) -> list[Score]:
    """One row per number; "not applicable" gives none."""
    return [
        Score(judgment=judgment, criterion=sheet.criteria[name], response_id=sheet.response_ids[key], value=value)
        for name, by_response in answer.scores.items()
        for key, value in by_response.items()
        if value is not None
    ]


def build_preferences(judgment: Judgment, answer: Answer, sheet: AnswerSheet) -> list[Preference]:
    """One row per decided pair."""
    return [
        Preference(
            judgment=judgment,
            chosen_id=sheet.response_ids[pair.chosen],
            rejected_id=sheet.response_ids[pair.rejected],
            strength=pair.strength,
            derived_from=answer.kind,
        )
        for pair in to_preferences(answer)
    ]


def save_judgment(judgment: Judgment, answer: Answer, sheet: AnswerSheet) -> Judgment:
    """Writes a judgment with the rows derived from it. Call it inside a transaction."""
    judgment.save(force_insert=True)
    Score.objects.bulk_create(build_scores(judgment, answer, sheet))
    Preference.objects.bulk_create(build_preferences(judgment, answer, sheet))
    return judgment
