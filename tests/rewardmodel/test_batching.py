import random

import torch

from rewardmodel.batching import group_rows, pad_right, plan_epoch, split_pairs

CHANCE = random.Random(4)
LENGTHS = [CHANCE.randint(5, 400) for _ in range(203)]


def plan(epoch: int = 0, seed: int = 1) -> list[list[int]]:
    return plan_epoch(LENGTHS, pairs_per_step=8, pool_steps=4, seed=seed, epoch=epoch)


def test_an_epoch_has_every_pair_once_in_steps_of_the_asked_size() -> None:
    steps = plan()
    assert sorted(index for step in steps for index in step) == list(range(203))
    assert sorted(len(step) for step in steps) == [3] + [8] * 25


def test_the_plan_depends_on_seed_and_epoch_alone() -> None:
    assert plan() == plan()
    assert plan(epoch=1) != plan()
    assert plan(seed=2) != plan()


def test_pairs_of_a_step_are_of_like_length_and_steps_are_mixed() -> None:
    steps = plan()
    spread = [max(LENGTHS[i] for i in step) - min(LENGTHS[i] for i in step) for step in steps]
    assert sum(spread) / len(spread) < 150
    first_lengths = [LENGTHS[step[0]] for step in steps[:8]]
    assert first_lengths != sorted(first_lengths)


def test_micro_batches_keep_to_the_budget_and_lose_no_pair() -> None:
    lengths = [(length, length // 2 + 1) for length in LENGTHS]
    groups = split_pairs(range(203), lengths, micro_batch_tokens=1024)
    assert sorted(index for group in groups for index in group) == list(range(203))
    assert all(2 * len(group) * max(max(lengths[i]) for i in group) <= 1024 for group in groups)


def test_a_pair_over_the_budget_goes_alone() -> None:
    groups = split_pairs([0, 1, 2], [(9, 9), (600, 10), (9, 9)], micro_batch_tokens=100)
    assert groups[0] == [1]
    assert sorted(groups[1]) == [0, 2]


def test_rows_of_like_length_go_together_with_little_padding() -> None:
    groups = group_rows(LENGTHS, batch_tokens=4096)
    assert sorted(row for group in groups for row in group) == list(range(203))
    padded = sum(len(group) * LENGTHS[group[0]] for group in groups)
    assert all(len(group) * LENGTHS[group[0]] <= 4096 for group in groups)
    assert 1 - sum(LENGTHS) / padded < 0.08


def test_padding_carries_real_lengths() -> None:
    ids, lengths = pad_right([[5, 6, 7], [0]], pad_id=0)
    assert ids.tolist() == [[5, 6, 7], [0, 0, 0]]
    assert torch.equal(lengths, torch.tensor([3, 1]))
