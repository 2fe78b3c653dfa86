"""Masters that do not stand still in bfloat16: random bits where files published in bfloat16 have none.

A weight of such a file lies in the middle of what rounds to it, and all weights do. Steps smaller than half the way to
the next bfloat16 number then change nothing in the network that computes, however much they would do together, while
the masters, and passes that know them, move on. From random places within the same bounds as many weights change as a
step covers of that way: on average the rounded network moves exactly as its masters do.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from rewardmodel.runtime.seeding import derive_generator
from rewardmodel.runtime.split_weights import HALF, PIECE_ELEMENTS

LOWER_BITS = 2**16 - 1


@torch.no_grad()
def fill_lower_halves(
    masters: Sequence[Tensor], lower_halves: Sequence[Tensor | None] | None = None, *, seed: int
) -> None:
    """Move each weight that is a bfloat16 number, other than 0, to a random place among those that round to it.

    masters: float32 of any shape, or the bfloat16 upper halves of such; lower_halves: what each lacks of its exact
    weights (int16), which is filled, or None where it is exact, and moved itself; None in place of the list where all
    are. Changed in place; what they round to stays as it is. The same seed gives the same places, whichever way the
    masters are held.
    Source: dither, Roberts 1962 (IRE Transactions on Information Theory 8(2)): noise before rounding makes its error
    independent of the signal.
    """
    for number, (master, lower) in enumerate(zip(masters, lower_halves or [None] * len(masters), strict=True)):
        generator = derive_generator(seed, "dither", number)
        flat, half = master.detach().view(-1), None if lower is None else lower.view(-1)
        for start in range(0, len(flat), PIECE_ELEMENTS):
            piece = slice(start, start + PIECE_ELEMENTS)
            _fill(flat[piece], None if half is None else half[piece], generator)


def _fill(master: Tensor, lower: Tensor | None, generator: torch.Generator) -> None:
    drawn = _draw(len(master), generator).to(master.device)
    if lower is not None:
        lower.add_(drawn.mul_((lower == 0).logical_and_(master != 0)))
        return
    # A float32's bits, read as a number, grow with its distance from 0: more or fewer of them stay on its side of it.
    bits = master.view(torch.int32)
    bits.add_(drawn.mul_((bits & LOWER_BITS == 0).logical_and_(master != 0)))


def _draw(count: int, generator: torch.Generator) -> Tensor:
    """Lower halves (int16), four of them from each number that is drawn."""
    drawn = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None, generator=generator)
    # Half way between two bfloat16 numbers it would depend on who rounds.
    return drawn.view(torch.int16)[:count].clamp_(min=1 - HALF)
