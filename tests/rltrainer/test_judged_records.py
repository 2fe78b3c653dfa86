import json
import random

import pytest

from rewardmodel.records import DataError, PromptRecord
from rltrainer.judged_records import (
    JudgedCompletion,
    judged_group,
    parse_judged_group,
    read_judged_groups,
    scores_of_tiers,
)

PROMPT = PromptRecord("17", ({"role": "user", "content": "?"},), {"answer": 3})


def _response(sample, **extra):
    return {"prompt_id": "17", "sample": sample, "text": "x", "tokens": 2, "finish_reason": "stop", "seed": sample,
            "token_ids": [5, 2], "log_probs": [-0.1, -0.30000000000000004], **extra}  # fmt: skip


def _row(**changes):
    return {**judged_group(PROMPT, [_response(0), _response(1)], {0: 1.0, 1: -1.0}, temperature=0.9), **changes}


def _with(**changes):
    row = _row()
    return {**row, "completions": [{**row["completions"][0], **changes}]}


def test_a_group_comes_back_unchanged(tmp_path):
    path = tmp_path / "groups.jsonl"
    path.write_text(json.dumps(_row()) + "\n")
    (record,) = read_judged_groups(path)
    assert record.prompt == PROMPT
    assert record.temperature == 0.9
    assert record.completions[1] == JudgedCompletion((5, 2), (-0.1, -0.30000000000000004), "stop", -1.0, seed=1)


def test_responses_that_nobody_judged_are_left_out():
    row = judged_group(PROMPT, [_response(2), _response(0), _response(1)], {2: 0.5, 0: 1.0}, temperature=1.0)
    assert [(completion["seed"], completion["score"]) for completion in row["completions"]] == [(0, 1.0), (2, 0.5)]


def test_responses_without_log_probs_are_refused():
    bare = {"prompt_id": "17", "sample": 0, "text": "x", "finish_reason": "stop", "seed": 0}
    with pytest.raises(DataError, match=r"prompt 17: sampled without log-probs; sample with sampling\.keep_log_probs"):
        judged_group(PROMPT, [bare], {0: 1.0}, temperature=1.0)
    with pytest.raises(DataError, match="prompt 17: none of its responses has been judged"):
        judged_group(PROMPT, [_response(0)], {4: 1.0}, temperature=1.0)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (_row(temperature=None), "temperature: expected a finite number"),
        ({**_row(), "prompt_id": ""}, "prompt_id: is empty"),
        ({**_row(), "rewards": []}, "rewards: unknown key"),
        (_with(score=None), r"completions\[0\]\.score: expected a finite number"),
        (_with(log_probs=[0.5, -1]), r"completions\[0\]\.log_probs: one is above 0"),
        (_with(log_probs=[-1]), r"completions\[0\]\.log_probs: 1 of them for 2 tokens"),
        (_with(token_ids=[], log_probs=[]), r"completions\[0\]\.token_ids: is empty"),
        (_with(token_ids=[-1, 2]), r"completions\[0\]\.token_ids: a token is negative"),
        (_with(finish_reason="eos"), r"completions\[0\]\.finish_reason: expected one of"),
    ],
)
def test_lines_that_cannot_be_used_are_named(row, fault):
    with pytest.raises(DataError, match=fault):
        parse_judged_group(row)


@pytest.mark.parametrize(
    ("tiers", "scores"),
    [
        ([[0], [1]], {0: 1.0, 1: -1.0}),
        ([[2], [0, 1]], {2: 1.0, 0: -0.5, 1: -0.5}),
        ([[1], [0], [2]], {1: 1.0, 0: 0.0, 2: -1.0}),
        ([[0, 1, 2]], {0: 0.0, 1: 0.0, 2: 0.0}),
        ([[4]], {4: 0.0}),
    ],
)
def test_tiers_as_scores(tiers, scores):
    assert scores_of_tiers(tiers) == scores


def test_scores_of_tiers_sum_to_nothing_and_keep_the_order():
    generator = random.Random(3)
    for _ in range(100):
        members = generator.sample(range(20), generator.randint(1, 9))
        cuts = sorted(generator.sample(range(1, len(members)), generator.randint(0, len(members) - 1)))
        tiers = [members[low:high] for low, high in zip([0, *cuts], [*cuts, len(members)], strict=True)]
        scores = scores_of_tiers(tiers)
        assert sum(scores.values()) == pytest.approx(0, abs=1e-12)
        assert all(-1 <= value <= 1 for value in scores.values())
        means = [scores[tier[0]] for tier in tiers]
        assert means == sorted(means, reverse=True)
        assert len(set(means)) == len(tiers)


def test_a_member_of_two_tiers_is_refused():
    with pytest.raises(ValueError, match="two tiers"):
        scores_of_tiers([[0], [0, 1]])
