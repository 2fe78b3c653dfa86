"""PURE. Ids as numbers 0, 1, 2 ... in their order."""

from typing import Any

import numpy as np

from annotation.agreement.observations import Ids, Integers

ROOM = 4
"""Whole numbers that span at most this many times their count are numbered by a table instead of by sorting."""


def number_ids(ids: Ids) -> tuple[Any, Integers]:
    """(the distinct ids ascending, the number of each id among them), as `np.unique` gives them."""
    whole = _as_whole(ids)
    if whole is None:
        distinct, number = np.unique(ids, return_inverse=True)
        return distinct, number.ravel()
    lowest = whole.min()
    present = np.bincount(whole - lowest) > 0
    place = np.cumsum(present) - 1
    return (np.flatnonzero(present) + lowest).astype(ids.dtype), place[whole - lowest]


def _as_whole(ids: Ids) -> Integers | None:
    """The ids as integers of a narrow range, where they are that."""
    if not len(ids) or ids.dtype.kind not in "iuf":
        return None
    low, high = float(ids.min()), float(ids.max())
    if not (high - low <= ROOM * len(ids) + 1000 and abs(low) < 2**52 and abs(high) < 2**52):
        return None
    whole = ids.astype(np.int64)
    return None if ids.dtype.kind == "f" and (whole != ids).any() else whole
