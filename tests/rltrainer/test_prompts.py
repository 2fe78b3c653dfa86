import pytest
import torch

from rewardmodel.records import DataError, PromptRecord
from rewardmodel.runtime.seeding import derive_generator
from rltrainer.prompts import PromptSampler, encode_prompts, split_held_out


def _records(count):
    return [PromptRecord(f"q{i}", ({"role": "user", "content": "x" * i},), {}) for i in range(count)]


def test_long_prompts_are_left_out_and_counted(renderer):
    shortest = len(renderer.render(({"role": "user", "content": ""},)).token_ids)
    prompts, left_out = encode_prompts(_records(5), renderer, max_tokens=shortest + 2)
    assert [prompt.record.prompt_id for prompt in prompts] == ["q0", "q1", "q2"]
    assert left_out == 2


def test_faults_of_the_file_are_named(renderer):
    with pytest.raises(DataError, match="none of 2 prompts"):
        encode_prompts(_records(2), renderer, max_tokens=1)
    with pytest.raises(DataError, match="the file has no records"):
        encode_prompts([], renderer, max_tokens=500)
    with pytest.raises(DataError, match="'q0' occurs twice"):
        encode_prompts(_records(1) * 2, renderer, max_tokens=500)


def test_held_out_prompts_are_never_trained_on(renderer):
    prompts, _ = encode_prompts(_records(12), renderer, max_tokens=500)
    training, held_out = split_held_out(prompts, held_out=3, seed=1)
    assert len(held_out) == 3
    assert sorted(p.record.prompt_id for p in training + held_out) == sorted(p.record.prompt_id for p in prompts)
    assert split_held_out(prompts, held_out=3, seed=1) == (training, held_out)


@pytest.mark.parametrize(("count", "expected"), [(2, 1), (7, 1), (10, 2), (32, 8), (40, 8)])
def test_of_few_prompts_at_most_a_quarter_is_held_out(renderer, count, expected):
    prompts, _ = encode_prompts(_records(count), renderer, max_tokens=500)
    training, held_out = split_held_out(prompts, held_out=8, seed=1)
    assert (len(training), len(held_out)) == (count - expected, expected)


def test_a_single_prompt_cannot_be_split(renderer):
    prompts, _ = encode_prompts(_records(1), renderer, max_tokens=500)
    with pytest.raises(DataError, match="only one usable prompt"):
        split_held_out(prompts, held_out=1, seed=1)


def _of_texts(renderer, *texts):
    records = [PromptRecord(f"q{n}", ({"role": "user", "content": text},), {}) for n, text in enumerate(texts)]
    return encode_prompts(records, renderer, max_tokens=500)[0]


@pytest.mark.parametrize("seed", range(6))
def test_prompts_of_one_text_come_to_one_side(renderer, seed, caplog):
    prompts = _of_texts(renderer, *"abcdabeafg")
    training, held_out = split_held_out(prompts, held_out=1, seed=seed)
    assert len(training) + len(held_out) == 10
    assert not {p.token_ids for p in training} & {p.token_ids for p in held_out}
    assert len({p.token_ids for p in held_out}) == 1
    told = "kept on one side and count as one ('q0' and 'q4' have the same text, as have 5 prompts in all)"
    assert told in caplog.text


def test_prompts_that_are_all_one_text_cannot_be_split(renderer):
    with pytest.raises(DataError, match=r"only one usable prompt \('q0' and 'q1' have the same text, as have 8"):
        split_held_out(_of_texts(renderer, *"aaaaaaaa"), held_out=2, seed=1)


def test_without_twins_the_split_is_the_one_of_ever(renderer, caplog):
    prompts = _of_texts(renderer, *"abcdefghijkl")
    _, held_out = split_held_out(prompts, held_out=3, seed=1)
    order = torch.randperm(12, generator=derive_generator(1, "held-out")).tolist()
    assert {p.record.prompt_id for p in held_out} == {f"q{n}" for n in order[:3]}
    assert not caplog.records


def test_each_epoch_draws_every_prompt_once_in_an_order_of_its_own(renderer):
    prompts, _ = encode_prompts(_records(7), renderer, max_tokens=500)
    sampler = PromptSampler(prompts, seed=1)
    drawn = [prompt.record.prompt_id for _ in range(7) for prompt in sampler.draw(2)]
    assert sorted(drawn[:7]) == sorted(drawn[7:]) == [f"q{i}" for i in range(7)]
    assert drawn[:7] != drawn[7:]


def test_the_number_drawn_is_all_of_the_state(renderer):
    prompts, _ = encode_prompts(_records(5), renderer, max_tokens=500)
    straight = PromptSampler(prompts, seed=2)
    straight.draw(8)
    assert PromptSampler(prompts, seed=2, drawn=8).draw(6) == straight.draw(6)
