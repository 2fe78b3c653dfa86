"""Label Studio's and Argilla's exports: the same judgments whichever of the two they come from."""

from typing import Any

import pytest

from annotation.importers.records import ImportedPrompt
from annotation.kinds.ranking import RankingAnswer
from tests.annotation.importers.reading import errors_of, read_one

PAIRWISE = {
    "id": 401635,
    "data": {"prompt": "Why?", "answer1": "So.", "answer2": "Thus."},
    "annotations": [
        {
            "id": 68045, "completed_by": 2, "was_cancelled": False, "ground_truth": False, "lead_time": 12.51,
            "created_at": "2023-04-17T21:54:20Z",
            "result": [{"id": "Sba4F4tuVh", "from_name": "comparison", "to_name": "comparison", "type": "pairwise",
                        "value": {"selected": "left"}}],
        }
    ],
    "predictions": [], "drafts": [],
}  # fmt: skip
ITEMS = [{"id": "r1", "body": "One."}, {"id": "r2", "body": "Two."}, {"id": "r3", "body": "Three."}]
NEW_RANKER = {"rank": ["r2", "r1", "r3"]}
ARGILLA = {
    "id": "7", "fields": {"prompt": "Why?", "r1": "One.", "r2": "Two.", "r3": "Three."},
    "responses": {
        "rank": [
            {
                "value": [{"value": "r2", "rank": 1}, {"value": "r1", "rank": 1}, {"value": "r3", "rank": 2}],
                "user_id": "2",
            }
        ]
    },
    "suggestions": {}, "metadata": {}, "status": "completed",
}  # fmt: skip


def ranked(ranker: Any, **annotation: Any) -> dict[str, Any]:
    result = {"from_name": "rank", "to_name": "results", "type": "ranker", "value": {"ranker": ranker}}
    said = {"completed_by": 2, "was_cancelled": False, "result": [result], **annotation}
    return {"id": 7, "data": {"prompt": "Why?", "items": ITEMS}, "annotations": [said]}


def argilla(*ranks: tuple[str, int], **changes: Any) -> dict[str, Any]:
    value = [{"value": name, "rank": rank} for name, rank in ranks]
    return {**ARGILLA, "responses": {"rank": [{"value": value, "user_id": "2"}]}, **changes}


def tiers_of(prompt: ImportedPrompt) -> Any:
    (judgment,) = prompt.judgments
    assert isinstance(judgment.answer, RankingAnswer)
    return judgment.answer.tiers


def test_label_studio_and_argilla_give_equal_canonical_records() -> None:
    new = read_one(ranked(NEW_RANKER))
    old = read_one(ranked(["r2", "r1", "r3"]))
    assert new == old == read_one(argilla(("r2", 1), ("r1", 2), ("r3", 3)))
    tied = read_one(ranked({"good": ["r2", "r1"], "poor": ["r3"]}), mapping={"buckets": "good>poor"})
    assert tied == read_one(ARGILLA)
    assert tiers_of(tied) == (("r1", "r2"), ("r3",))


def test_pairwise_and_a_ranking_of_two_give_equal_judgments() -> None:
    pairwise = read_one(PAIRWISE)
    fields = {"prompt": "Why?", "answer1": "So.", "answer2": "Thus."}
    two = read_one(argilla(("answer1", 1), ("answer2", 2), id="401635", fields=fields))
    assert (pairwise.external_id, pairwise.prompt, pairwise.responses) == (two.external_id, two.prompt, two.responses)
    assert tiers_of(pairwise) == tiers_of(two) == (("answer1",), ("answer2",))
    (said,) = pairwise.judgments
    assert (said.annotator, said.answer.active_ms) == ("2", 12510)
    assert said.created_at is not None
    assert said.created_at.isoformat() == "2023-04-17T21:54:20+00:00"


def test_cancelled_annotations_are_left_out() -> None:
    record = ranked(NEW_RANKER, was_cancelled=True)
    assert read_one(record, kind="ranking").judgments == ()


def test_ratings_become_scores() -> None:
    def rating(target: str, stars: int) -> dict[str, Any]:
        return {"from_name": "helpful", "to_name": target, "type": "rating", "value": {"rating": stars}}

    results = [rating("answer1", 4), rating("answer2", 2)]
    record = {**PAIRWISE, "annotations": [{"completed_by": {"id": 5, "email": "x@y"}, "result": results}]}
    prompt = read_one(record)
    assert (prompt.kind, prompt.judgments[0].annotator) == ("scalar", "5")
    assert prompt.judgments[0].answer.scores == {"helpful": {"answer1": 4, "answer2": 2}}
    answers = {f"helpful_answer{at}": [{"value": value, "user_id": "5"}] for at, value in ((1, 4), (2, 2))}
    fields = {"prompt": "Why?", "answer1": "So.", "answer2": "Thus."}
    single = {"id": "1", "fields": fields, "responses": answers}
    assert read_one(single).judgments == prompt.judgments


def test_flat_argilla_columns_say_the_same() -> None:
    (answer,) = ARGILLA["responses"]["rank"]  # type: ignore[index]
    flat = {
        "id": "7", "status": "completed", "prompt": "Why?", "r1": "One.", "r2": "Two.", "r3": "Three.",
        "rank.responses": [answer["value"], answer["value"]], "rank.responses.users": ["2", "3"],
        "rank.responses.status": ["submitted", "discarded"],
    }  # fmt: skip
    assert read_one(flat) == read_one(ARGILLA)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (ranked(["r2", "r9", "r3"]), "annotations[0].tiers[1]"),
        (ranked("r2"), "annotations[0].result[0].value.ranker"),
        (ranked({"good": ["r2"], "poor": ["r1", "r3"]}), "annotations[0].result[0].value.ranker"),
        (ranked(NEW_RANKER, completed_by=None), "annotations[0].completed_by"),
        (ranked(NEW_RANKER, created_at="yesterday"), "annotations[0].created_at"),
        ({**ranked(NEW_RANKER), "data": {"prompt": "Why?"}}, "data"),
        ({**ranked(NEW_RANKER), "data": {"title": "Why?", "items": ITEMS}}, "data"),
        ({**PAIRWISE, "data": {"prompt": "Why?", "answer1": "So.", "answer2": 7}}, "data.answer2"),
        (ranked(NEW_RANKER, result=[]), "annotations[0].result"),
    ],
)
def test_broken_label_studio_is_named(record: dict[str, Any], field: str) -> None:
    errors = errors_of(ranked(NEW_RANKER), {**record, "id": 8}, form="label-studio")
    assert errors[0] == (2, field)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (argilla(("r9", 1)), "responses.rank[0].value[0]"),
        (argilla(("r1", "first")), "responses.rank[0].value[0].rank"),  # type: ignore[arg-type]
        ({**ARGILLA, "responses": {"rank": [{"value": ["r1"]}]}}, "responses.rank[0].user_id"),
        ({**ARGILLA, "responses": {"rank": "r1"}}, "responses.rank"),
        ({**ARGILLA, "fields": {"title": "x"}}, "fields"),
        (argilla(("r1", 1), ("r2", 2), fields={"prompt": "p", "r1": 1, "r2": "x"}), "fields.r1"),
        ({**ARGILLA, "responses": {"good": [{"value": 3, "user_id": "2"}]}}, "responses.good[0].value"),
    ],
)
def test_broken_argilla_is_named(record: dict[str, Any], field: str) -> None:
    errors = errors_of(ARGILLA, {**record, "id": "8"}, form="argilla")
    assert errors[0] == (2, field)
