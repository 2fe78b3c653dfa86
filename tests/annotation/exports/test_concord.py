"""The interchange format holds a project without loss."""

from datetime import UTC, datetime

from hypothesis import given, settings

from annotation.exports.canonical import CanonicalRecord, build_record, build_response
from annotation.exports.concord import write_rows
from annotation.exports.json_lines import encode_rows
from annotation.exports.prompt_group import PromptGroup
from annotation.importers.concord import read_prompts
from annotation.importers.records import ImportedJudgment, ImportedMessage, ImportedPrompt, ImportedResponse
from annotation.kinds.scalar import ScalarAnswer, select_response
from tests.annotation.drafts import imported_prompts


def group_of(prompt: ImportedPrompt) -> PromptGroup:
    """What the site would export after it has stored this prompt."""
    responses = [build_response(key=each.key, text=each.text, source=each.source) for each in prompt.responses]
    return PromptGroup(
        external_id=prompt.external_id, prompt_id=prompt.external_id, kind=prompt.kind,
        prompt=[message._asdict() for message in prompt.prompt], responses=responses,
        records=[record for judgment in prompt.judgments for record in records_of(prompt, judgment, responses)],
        gold=prompt.gold, tags=prompt.tags, metadata=prompt.metadata,
    )  # fmt: skip


def records_of(prompt: ImportedPrompt, judgment: ImportedJudgment, responses: list) -> list[CanonicalRecord]:
    """One record for a ranking; one a scored response for scalar, as the site keeps them."""
    parts = [(judgment.answer, responses)]
    if isinstance(judgment.answer, ScalarAnswer):
        split = [(select_response(judgment.answer, each["id"]), [each]) for each in responses]
        parts = [(answer, only) for answer, only in split if answer is not None]
    return [
        build_record(
            answer=answer, answer_id="1", task_id="2", prompt_id=prompt.external_id, project="p", prompt=[],
            responses=only, annotator=judgment.annotator, created_at=judgment.created_at,
        )
        for answer, only in parts
    ]  # fmt: skip


@settings(max_examples=150)
@given(imported_prompts())
def test_what_is_exported_is_read_back_equal(prompt: ImportedPrompt) -> None:
    lines = list(encode_rows(write_rows([group_of(prompt)], view="judgments")))
    assert list(read_prompts(lines)) == [prompt]


def scalar_prompt(*judgments: ImportedJudgment) -> ImportedPrompt:
    return ImportedPrompt(
        external_id="q", kind="scalar", prompt=(ImportedMessage("user", "hi"),),
        responses=(ImportedResponse("a", "A"), ImportedResponse("b", "B")), judgments=judgments,
        gold=ScalarAnswer(scores={"x": {"a": 1, "b": 2}}),
    )  # fmt: skip


def test_remarks_that_differ_between_responses_get_a_row_each() -> None:
    noon = datetime(2026, 2, 1, 12, tzinfo=UTC)
    first = ImportedJudgment("ann", ScalarAnswer(scores={"x": {"a": 1}}, rationale="about a"), noon)
    second = ImportedJudgment("ann", ScalarAnswer(scores={"x": {"b": 2}}, rationale="about b"), noon)
    rows = list(write_rows([group_of(scalar_prompt(first, second))], view="judgments"))
    assert [row["external_id"] for row in rows] == ["q#a", "q#b"]
    assert [row["judgments"][0]["rationale"] for row in rows] == ["about a", "about b"]
    assert [row["gold"]["scores"] for row in rows] == [{"x": {"a": 1}}, {"x": {"b": 2}}]
    assert len(list(read_prompts(encode_rows(rows)))) == 2


def test_a_prompt_that_nobody_judged_is_exported_too() -> None:
    (row,) = write_rows([group_of(scalar_prompt())], view="judgments")
    assert row["judgments"] == []
    assert row["prompt"] == "hi"
