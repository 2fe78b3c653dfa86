from pathlib import Path

import pytest

from rewardmodel.config import LossConfig
from rewardmodel.data import Objective, check_splits, encode_pairs, make_objective
from rewardmodel.records import DataError, PreferenceRecord, Votes, parse_preference
from rewardmodel.runtime.backbones import load_tokenizer
from rewardmodel.runtime.rendering import Renderer
from tests.rewardmodel.preferences import make_rows
from tests.tiny_model import CHAT_TEMPLATE


def record(**changes: object) -> PreferenceRecord:
    return parse_preference({**make_rows(1, first_prompt=0, seed=0)[0], **changes})


def test_votes_become_the_target() -> None:
    objective = make_objective(record(margin=2.0, weight=3.0), LossConfig(vote_prior=0.5))
    # (4 + 0.5) / (5 + 1); a soft target leaves the margin aside.
    assert objective == Objective(pytest.approx(0.75), 0.0, 3.0)


def test_ties_count_half_for_either_side() -> None:
    objective = make_objective(record(votes={"chosen": 2, "rejected": 1, "tie": 2}), LossConfig(vote_prior=0.0))
    assert objective.target == pytest.approx(3 / 5)


def test_hard_target_keeps_margin_and_takes_smoothing() -> None:
    objective = make_objective(record(margin=2.0), LossConfig(target="hard", label_smoothing=0.1))
    assert objective == Objective(pytest.approx(0.9), 2.0, 1.0)


def test_unknown_votes_trust_the_label() -> None:
    assert make_objective(record(votes={}), LossConfig()).target == 1.0
    assert record(votes={}).votes == Votes()


def test_both_sides_share_the_prompt_and_end_alike(renderer: Renderer) -> None:
    (pair,) = encode_pairs([record(chosen="yes", rejected="no")], renderer, max_length_tokens=512)
    prompt = renderer.render(pair.record.prompt).token_ids
    assert pair.chosen_ids[: len(prompt)] == pair.rejected_ids[: len(prompt)] == prompt
    assert pair.chosen_ids[-1] == pair.rejected_ids[-1] == renderer.end_of_turn_id
    assert pair.truncated_rows == 0


def test_long_rows_keep_the_end_of_the_response_and_are_counted(renderer: Renderer) -> None:
    (pair,) = encode_pairs([record(chosen="a" * 50 + "the end", rejected="no")], renderer, max_length_tokens=40)
    assert renderer.decode(pair.chosen_ids).endswith("the end")
    assert pair.lengths[0] == 40
    assert pair.truncated_rows == 1 + (pair.lengths[1] == 40)


def test_a_record_that_the_chat_template_refuses_is_named(tiny: Path) -> None:
    tokenizer = load_tokenizer(tiny)
    tokenizer.chat_template = (
        "{% if messages[0]['content'] == 'never' %}{{ raise_exception('refused') }}{% endif %}" + CHAT_TEMPLATE
    )
    rows = [record(), record(prompt_id="p9", prompt=[{"role": "user", "content": "never"}])]
    with pytest.raises(DataError, match=r"^prompt 'p9': the chat template of .*: refused;"):
        encode_pairs(rows, Renderer(tokenizer), max_length_tokens=512)


def test_a_prompt_in_both_splits_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="prompt_id: 1 prompts, for instance '0', are in both"):
        check_splits([record()], [record()])


def test_an_empty_split_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"data\.eval: the file has no records"):
        check_splits([record()], [])


def test_an_id_that_occurs_twice_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"data\.train: id '.+' occurs twice"):
        check_splits([record(), record()], [record(prompt_id="other")])
