"""Rows for TRL, and which answers a row stands for."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import pytest

from annotation.consensus.leanings import Leaning
from annotation.exports.canonical import build_record, build_response
from annotation.exports.formats import FORMATS, ExportError, export_rows
from annotation.exports.json_lines import encode_rows
from annotation.exports.prompt_group import PromptGroup
from annotation.exports.trl import DROPPED
from annotation.kinds.ranking import parse_answer

PROMPT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Colour?"}]


def group_of(*said: dict, keys: str = "abc", name: str = "q1") -> PromptGroup:
    responses = [build_response(key=key, text=f"text {key}", source=None) for key in keys]
    records = [
        build_record(
            answer=parse_answer(answer, response_keys=list(keys), criteria=None), answer_id=f"j{number}", task_id="t",
            prompt_id=name, project="p", prompt=PROMPT, responses=responses, annotator=f"ann{number}", created_at=None,
            simulated=number == 2,
        )
        for number, answer in enumerate(said)
    ]  # fmt: skip
    return PromptGroup(
        external_id=name, prompt_id=name, kind="ranking", prompt=PROMPT, responses=responses, records=records
    )


def rows_of(group: PromptGroup, view: str = "judgments") -> list[dict]:
    return list(export_rows([group], format_name="trl", kind="ranking", view=view))


def pairs_of(rows: list[dict]) -> list[tuple[str, str]]:
    return [(row["chosen"][0]["content"][-1], row["rejected"][0]["content"][-1]) for row in rows]


def test_a_row_holds_the_pair_as_messages() -> None:
    rows = rows_of(group_of({"tiers": [["a"], ["b", "c"]], "strength": [2]}))
    assert rows[0] == {
        "prompt": PROMPT,
        "chosen": [{"role": "assistant", "content": "text a"}],
        "rejected": [{"role": "assistant", "content": "text b"}],
        "margin": 2.0, "weight": 0.5, "derived_from": "ranking", "group_id": "q1", "judgment_ids": ["j0"],
        "simulated": False,
    }  # fmt: skip
    assert pairs_of(rows) == [("a", "b"), ("a", "c")]


def test_the_rows_of_an_answer_weigh_one_together() -> None:
    keys = "abcdefghi"
    rows = rows_of(group_of({"tiers": [[key] for key in keys]}, keys=keys))
    assert len(rows) == 36
    assert sum(row["weight"] for row in rows) == pytest.approx(1)


def test_people_who_disagree_give_opposite_rows() -> None:
    group = group_of({"tiers": [["a"], ["b"]]}, {"tiers": [["b"], ["a"]]}, keys="ab")
    assert pairs_of(rows_of(group)) == [("a", "b"), ("b", "a")]
    assert rows_of(group, "majority") == []


def test_a_majority_is_more_than_half_of_those_who_compared() -> None:
    group = group_of(
        {"tiers": [["a"], ["b"], ["c"]], "strength": [1, 1]},
        {"tiers": [["a"], ["b", "c"]], "strength": [3]},
        {"tiers": [["b"], ["a"]], "unranked": ["c"]},
    )
    rows = rows_of(group, "majority")
    assert pairs_of(rows) == [("a", "b"), ("a", "c")]
    assert [row["judgment_ids"] for row in rows] == [["j0", "j1"], ["j0", "j1"]]
    assert [row["margin"] for row in rows] == [2.0, 2.5]
    assert [row["weight"] for row in rows] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("view", "changes", "rows", "dropped"),
    [
        ("judgments", {}, 3, {"tie": 1}),
        ("majority", {}, 1, {"no_majority": 1, "not_compared": 1}),
        ("verdicts", {}, 1, {"no_majority": 1, "not_compared": 1}),
        ("verdicts", {"is_unusable": True}, 0, {"unusable": 3}),
        ("consensus", {"leanings": {("a", "b"): Leaning(0.9, 2.2), ("b", "a"): Leaning(0.1, -2.2)}}, 1,
         {"not_compared": 2}),
        ("consensus", {"leanings": {("a", "b"): Leaning(0.5, 0.0), ("b", "a"): Leaning(0.5, 0.0)}}, 0,
         {"undecided": 1, "not_compared": 2}),
    ],
)  # fmt: skip
def test_pairs_that_give_no_row_are_counted_by_reason(
    view: str, changes: dict, rows: int, dropped: dict[str, int]
) -> None:
    # Of those who compared a with c, two say a, one the contrary and one a tie: that is no more than half.
    group = group_of(
        {"tiers": [["a"], ["c"]], "unranked": ["b"]},
        {"tiers": [["a"], ["c"]], "unranked": ["b"]},
        {"tiers": [["c"], ["a"]], "unranked": ["b"]},
        {"tiers": [["a", "c"]], "unranked": ["b"]},
    )
    if view in ("majority", "verdicts"):
        another = group_of({"tiers": [["a"], ["b"]], "unranked": ["c"]})
        group = replace(group, records=[*group.records, *another.records])
    counts: Counter[str] = Counter()
    group = replace(group, **changes)
    made = list(export_rows([group], format_name="hh", kind="ranking", view=view, dropped=counts))
    assert (len(made), dict(+counts)) == (rows, dropped)
    assert set(counts) <= set(DROPPED)


def test_equal_texts_are_told_apart_from_those_that_nobody_compared() -> None:
    group = group_of(keys="ab")
    responses = [build_response(key=key, text="the same", source=None) for key in "ab"]
    counts: Counter[str] = Counter()
    same = replace(group, responses=responses)
    assert not list(export_rows([same], format_name="trl", kind="ranking", view="consensus", dropped=counts))
    assert dict(+counts) == {"equal_texts": 1}


def test_a_simulated_answer_marks_its_rows() -> None:
    same = {"tiers": [["a"], ["b"]]}
    group = group_of(same, same, same, keys="ab")
    assert [row["simulated"] for row in rows_of(group)] == [False, False, True]
    assert [row["simulated"] for row in rows_of(group, "majority")] == [True]


def test_rows_stream_from_an_endless_source() -> None:
    def endless() -> Iterator[PromptGroup]:
        while True:
            yield group_of({"tiers": [["a"], ["b"], ["c"]]})

    lines = list(islice(encode_rows(export_rows(endless(), format_name="trl", kind="ranking")), 7))
    assert [json.loads(line)["group_id"] for line in lines] == ["q1"] * 7


@pytest.mark.parametrize(
    ("wish", "part"),
    [
        ({"format_name": "xml", "kind": "ranking"}, "no format 'xml'; there are canonical, concord, trl"),
        ({"format_name": "trl", "kind": "scalar"}, "trl holds ranking projects; this one is scalar"),
        ({"format_name": "trl", "kind": "ranking", "view": "best"}, "no view 'best'; it has judgments, majority"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_before_the_first_row(wish: dict, part: str) -> None:
    with pytest.raises(ExportError, match=part):
        export_rows([], **wish)


def test_every_format_says_what_it_is_and_writes_an_empty_project() -> None:
    for name, each in FORMATS.items():
        assert each.description.endswith(".")
        assert list(export_rows([], format_name=name, kind="ranking")) == []


def test_the_canonical_format_gives_the_records() -> None:
    group = group_of({"tiers": [["a"], ["b"], ["c"]], "rationale": "because"})
    (row,) = export_rows([group], format_name="canonical", kind="ranking")
    assert row["schema"] == "rlhf.preference/1"
    assert row["tiers"] == [["a"], ["b"], ["c"]]
    assert row["rationale"] == "because"
