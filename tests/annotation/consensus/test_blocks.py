"""Solutions and variances of items that pairs hold together, against one dense matrix."""

import numpy as np
import pytest

from annotation.consensus import blocks
from annotation.consensus.blocks import build_system, find_blocks

GENERATOR = np.random.default_rng(0)


def dense(first: np.ndarray, second: np.ndarray, weight: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    matrix = np.diag(diagonal)
    for i, j, amount in zip(first, second, weight, strict=True):
        arrow = np.eye(len(diagonal))[i] - np.eye(len(diagonal))[j]
        matrix += amount * np.outer(arrow, arrow)
    return matrix


def scattered(items: int = 60, pairs: int = 45) -> tuple[np.ndarray, ...]:
    ends = np.array([GENERATOR.choice(items, 2, replace=False) for _ in range(pairs)])
    return ends[:, 0], ends[:, 1], GENERATOR.random(pairs) + 0.1, GENERATOR.random(items) + 0.5


def test_blocks_hold_what_pairs_connect() -> None:
    found = find_blocks(np.array([0, 4, 5, 1]), np.array([3, 3, 6, 5]), 8)
    members = {frozenset(block) for group in found.groups for block in group.tolist()}
    assert members == {frozenset({0, 3, 4}), frozenset({1, 5, 6}), frozenset({2}), frozenset({7})}


def test_small_blocks_are_exact() -> None:
    first, second, weight, diagonal = scattered()
    system = build_system(find_blocks(first, second, 60), weight, diagonal)
    inverse = np.linalg.inv(dense(first, second, weight, diagonal))
    right = GENERATOR.normal(size=60)
    np.testing.assert_allclose(system.solve(right), inverse @ right, atol=1e-10)
    np.testing.assert_allclose(system.item_variances(GENERATOR), np.diag(inverse), atol=1e-10)
    expected = inverse[first, first] + inverse[second, second] - 2 * inverse[first, second]
    np.testing.assert_allclose(system.pair_variances(GENERATOR), expected, atol=1e-10)


def test_large_blocks_are_solved_and_their_variances_are_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LARGEST_BLOCK", 3)
    monkeypatch.setattr(blocks, "PROBES", 2000)
    first, second, weight, diagonal = scattered(30, 60)
    system = build_system(find_blocks(first, second, 30), weight, diagonal)
    assert None in system.inverses
    inverse = np.linalg.inv(dense(first, second, weight, diagonal))
    right = GENERATOR.normal(size=30)
    np.testing.assert_allclose(system.solve(right), inverse @ right, atol=1e-6)
    np.testing.assert_allclose(system.item_variances(GENERATOR), np.diag(inverse), rtol=0.2)
    expected = inverse[first, first] + inverse[second, second] - 2 * inverse[first, second]
    np.testing.assert_allclose(system.pair_variances(GENERATOR), expected, rtol=0.2)
