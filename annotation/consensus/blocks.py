"""PURE. Linear algebra on items that pairs hold together: many small systems at once, large ones by iteration."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from annotation.agreement.observations import Floats, Integers
from annotation.agreement.statistic import sum_by

LARGEST_BLOCK = 1500
"""Items of a block that is inverted; larger ones are solved by conjugate gradients."""
PROBES = 32
"""Random solutions from which the variances of a larger block are estimated; their relative error is 1/4."""
PRECISION = 1e-8
MOST_STEPS = 500


@dataclass(frozen=True, eq=False, slots=True)
class Blocks:
    """Which items hang together, in groups of equal size. Make it with `find_blocks`."""

    first: Integers
    """[pairs]"""
    second: Integers
    items: int
    groups: tuple[Integers, ...]
    """Each [blocks of this size, size]: items of each block."""
    place: Integers
    """[items] place of an item in its block."""
    row: Integers
    """[items] number of its block within the group."""
    group: Integers
    """[items] number of the group."""


def find_blocks(first: Integers, second: Integers, items: int) -> Blocks:
    """The blocks of items that pairs connect, directly or through others."""
    label = _connect(first, second, items)
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    sizes = np.diff(np.append(starts, items))
    place, row, group = (np.zeros(items, np.int64) for _ in range(3))
    groups = []
    for number, size in enumerate(np.unique(sizes)):
        members = order[starts[sizes == size][:, None] + np.arange(size)]
        place[members], row[members], group[members] = np.arange(size), np.arange(len(members))[:, None], number
        groups.append(members)
    return Blocks(first, second, items, tuple(groups), place, row, group)


def _connect(first: Integers, second: Integers, items: int) -> Integers:
    """[items] the lowest item that each hangs together with: labels spread along pairs and then jump."""
    label = np.arange(items)
    while True:
        lower = np.minimum(label[first], label[second])
        new = label.copy()
        np.minimum.at(new, label[first], lower)
        np.minimum.at(new, label[second], lower)
        new = new[new]
        if (new == label).all():
            return label
        label = new


@dataclass(frozen=True, eq=False, slots=True)
class System:
    """(sum over pairs of weight (e_first - e_second)(e_first - e_second)' + diagonal) of positive definite blocks."""

    blocks: Blocks
    weight: Floats
    """[pairs]"""
    diagonal: Floats
    """[items]"""
    inverses: tuple[Floats | None, ...]
    """[blocks, size, size] for each group; None where the blocks are too large."""
    probes: list[Floats] = field(default_factory=list)
    """Drawn once, when first asked for."""

    def solve(self, right: Floats) -> Floats:
        """[items] the solution for a right side [items]."""
        solution = np.zeros_like(right)
        for members, inverse in zip(self.blocks.groups, self.inverses, strict=True):
            if inverse is not None:
                solution[members] = np.einsum("bij,bj->bi", inverse, right[members])
        large = self._large_items()
        if len(large):
            masked = np.zeros_like(right)
            masked[large] = right[large]
            solution += self._iterate(masked)
        return solution

    def pair_variances(self, generator: np.random.Generator) -> Floats:
        """[pairs] the variance of first minus second when the system is the precision of a Gaussian.

        generator: draws the probes of large blocks; small ones are exact.
        """
        blocks = self.blocks
        found = np.zeros(len(blocks.first))
        for number, inverse in enumerate(self.inverses):
            here = np.flatnonzero(blocks.group[blocks.first] == number)
            if inverse is None or not len(here):
                continue
            row, one, other = (
                blocks.row[blocks.first[here]], blocks.place[blocks.first[here]], blocks.place[blocks.second[here]],
            )  # fmt: skip
            found[here] = inverse[row, one, one] + inverse[row, other, other] - 2 * inverse[row, one, other]
        if len(self._large_items()):
            draws = self._probe(generator)
            here = np.flatnonzero(np.isin(blocks.first, self._large_items()))
            found[here] = np.mean((draws[:, blocks.first[here]] - draws[:, blocks.second[here]]) ** 2, axis=0)
        return found

    def item_variances(self, generator: np.random.Generator) -> Floats:
        """[items] the diagonal of the inverse."""
        found = np.zeros(self.blocks.items)
        for members, inverse in zip(self.blocks.groups, self.inverses, strict=True):
            if inverse is not None:
                found[members] = np.diagonal(inverse, axis1=1, axis2=2)
        large = self._large_items()
        if len(large):
            found[large] = np.mean(self._probe(generator)[:, large] ** 2, axis=0)
        return found

    def _large_items(self) -> Integers:
        groups = zip(self.blocks.groups, self.inverses, strict=True)
        large = [members.ravel() for members, inverse in groups if inverse is None]
        return np.concatenate(large) if large else np.zeros(0, np.int64)

    def multiply(self, values: Floats) -> Floats:
        """[items] the system times values [items]."""
        flow = self.weight * (values[self.blocks.first] - values[self.blocks.second])
        return self.diagonal * values + scatter(flow, self.blocks)

    def _iterate(self, right: Floats) -> Floats:
        """Conjugate gradients with the diagonal as preconditioner. Source: Hestenes and Stiefel 1952."""
        scale = self.diagonal + sum_by(self.blocks.first, self.weight, self.blocks.items)
        scale += sum_by(self.blocks.second, self.weight, self.blocks.items)
        solution, rest = np.zeros_like(right), right.copy()
        direction = rest / scale
        power = float(rest @ direction)
        goal = PRECISION**2 * power
        for _ in range(MOST_STEPS):
            if power <= goal:
                break
            image = self.multiply(direction)
            step = power / float(direction @ image)
            solution, rest = solution + step * direction, rest - step * image
            new_power = float(rest @ (rest / scale))
            direction, power = rest / scale + new_power / power * direction, new_power
        return solution

    def _probe(self, generator: np.random.Generator) -> Floats:
        """[PROBES, items] draws of the Gaussian with this precision. Source: Papandreou and Yuille 2010."""
        while len(self.probes) < PROBES:
            flow = np.sqrt(self.weight) * generator.standard_normal(len(self.weight))
            noise = np.sqrt(self.diagonal) * generator.standard_normal(self.blocks.items)
            self.probes.append(self._iterate(noise + scatter(flow, self.blocks)))
        return np.stack(self.probes)


def build_system(blocks: Blocks, weight: Floats, diagonal: Floats) -> System:
    """The system with the inverses of its small blocks."""
    return System(blocks, weight, diagonal, tuple(_invert_groups(blocks, weight, diagonal)))


def _invert_groups(blocks: Blocks, weight: Floats, diagonal: Floats) -> Iterator[Floats | None]:
    group_of_pair = blocks.group[blocks.first]
    for number, members in enumerate(blocks.groups):
        count, size = members.shape
        if size > LARGEST_BLOCK:
            yield None
            continue
        here = np.flatnonzero(group_of_pair == number)
        yield np.asarray(np.linalg.inv(_fill(blocks, here, weight[here], count, size, diagonal[members])), np.float64)


def _fill(blocks: Blocks, pairs: Integers, weight: Floats, count: int, size: int, diagonal: Floats) -> Floats:
    base = blocks.row[blocks.first[pairs]] * size
    one, other = blocks.place[blocks.first[pairs]], blocks.place[blocks.second[pairs]]
    cells = np.concatenate([(base + i) * size + j for i, j in ((one, one), (other, other), (one, other), (other, one))])
    amounts = np.concatenate([weight, weight, -weight, -weight])
    matrix = sum_by(cells, amounts, count * size * size).reshape(count, size, size)
    matrix[:, np.arange(size), np.arange(size)] += diagonal
    return matrix


def scatter(flow: Floats, blocks: Blocks) -> Floats:
    """[items] the sum of flow [pairs] at each pair's first item, less that at its second."""
    return sum_by(blocks.first, flow, blocks.items) - sum_by(blocks.second, flow, blocks.items)
