"""PURE: which sequences go through the network together."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rewardmodel.runtime.seeding import derive_generator

PADDING_TOLERATED = 0.08
SMALLEST_USEFUL_TOKENS = 384


def plan_epoch(
    lengths: Sequence[int], *, pairs_per_step: int, pool_steps: int, seed: int, epoch: int
) -> list[list[int]]:
    """The pairs of each optimizer step of an epoch: every pair once, alike lengths together, steps in random order.

    lengths: tokens of each pair. The plan depends on its arguments alone, so a resumed run needs no more than its
    step number to find its place.
    """
    generator = derive_generator(seed, "order", epoch)
    order: list[int] = torch.randperm(len(lengths), generator=generator).tolist()
    pool = pairs_per_step * pool_steps
    steps: list[list[int]] = []
    for start in range(0, len(order), pool):
        alike = sorted(order[start : start + pool], key=lambda index: (lengths[index], index))
        steps.extend(alike[at : at + pairs_per_step] for at in range(0, len(alike), pairs_per_step))
    return [steps[index] for index in torch.randperm(len(steps), generator=generator).tolist()]


def split_pairs(
    pairs: Sequence[int], lengths: Sequence[tuple[int, int]], *, micro_batch_tokens: int
) -> list[list[int]]:
    """Pairs of one step in micro-batches whose two sequences a pair, padded to each group's longest, fit the budget.

    lengths: tokens of the chosen and the rejected sequence of every pair. A pair over the budget goes alone.
    """
    micro_batches: list[list[int]] = []
    for index in sorted(pairs, key=lambda index: (max(lengths[index]), index), reverse=True):
        grown = [*(micro_batches[-1] if micro_batches else []), index]
        # Sorted downwards, the first pair of a micro-batch has its longest sequence.
        if micro_batches and 2 * len(grown) * max(lengths[grown[0]]) <= micro_batch_tokens:
            micro_batches[-1] = grown
        else:
            micro_batches.append([index])
    return micro_batches


def group_rows(lengths: Sequence[int], *, batch_tokens: int) -> list[list[int]]:
    """Rows in groups of like length: at most `batch_tokens` with padding, and little of it.

    A group is closed early only when it is large enough to use the machine well and the next row would bring
    its padding over 8 %.
    """
    groups: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: (lengths[row], row), reverse=True):
        if groups and _fits(groups[-1], row, lengths, batch_tokens):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _fits(group: Sequence[int], row: int, lengths: Sequence[int], batch_tokens: int) -> bool:
    widest = lengths[group[0]]
    padded = (len(group) + 1) * widest
    real = sum(lengths[member] for member in group) + lengths[row]
    large_enough = len(group) * widest >= SMALLEST_USEFUL_TOKENS
    return padded <= batch_tokens and not (large_enough and 1 - real / padded > PADDING_TOLERATED)


def pad_right(rows: Sequence[Sequence[int]], *, pad_id: int) -> tuple[Tensor, Tensor]:
    """Token ids [rows, tokens] padded on the right, and the real length of each row [rows].

    Lengths are carried and never inferred from ids: the pad token may be the end-of-turn token.
    """
    lengths = torch.tensor([len(row) for row in rows])
    ids = torch.full((len(rows), int(lengths.max())), pad_id)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row)
    return ids, lengths
