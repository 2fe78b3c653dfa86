"""PURE. Running totals as bytes and back."""

import json
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from annotation.agreement.measures import Frame
from annotation.agreement.pair_sums import PairSums
from annotation.agreement.person_sums import PersonSums
from annotation.agreement.running import RunningTotals
from annotation.agreement.trend import WeekSums

VERSION = 2
"""Goes up whenever a statistic, its columns or the draws change: totals of another version are computed anew."""
NESTED: dict[str, type[Any]] = {"persons": PersonSums, "pairs": PairSums, "trend": WeekSums}
"""Fields that hold arrays of their own."""


def write_totals(totals: RunningTotals, *, seed: int) -> bytes:
    """The totals: a line of JSON that says what follows, then the arrays one after another."""
    frame = totals.frame
    arrays = {"values": frame.values, **_collect(totals)}
    head = {
        "version": VERSION, "seed": seed, "usual_size": frame.usual_size, "tasks": frame.tasks,
        "arrays": [[name, array.dtype.str, array.shape] for name, array in arrays.items()],
    }  # fmt: skip
    return b"".join([json.dumps(head).encode(), b"\n", *(each.tobytes() for each in arrays.values())])


def _collect(totals: RunningTotals) -> dict[str, Any]:
    """Every array by its name, those of nested fields as `field.array`."""
    found: dict[str, Any] = {}
    for each in fields(totals):
        value = getattr(totals, each.name)
        if each.name in NESTED and is_dataclass(value):
            found |= {f"{each.name}.{inner.name}": getattr(value, inner.name) for inner in fields(value)}
        elif each.name != "frame":
            found[each.name] = value
    return found


def read_totals(content: bytes, *, seed: int, resamples: int) -> RunningTotals | None:
    """The totals; None where they are of another version of the statistics, seed or number of resamples."""
    at = content.index(b"\n") + 1
    head = json.loads(content[:at])
    if (head["version"], head["seed"]) != (VERSION, seed):
        return None
    arrays: dict[str, Any] = {}
    for name, kind, shape in head["arrays"]:
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(content, np.dtype(kind), count, at).reshape(shape)
        at += arrays[name].nbytes
    if len(arrays["drawn"]) != resamples:
        return None
    frame = Frame(values=arrays.pop("values"), usual_size=head["usual_size"], tasks=head["tasks"])
    nested: dict[str, Any] = {
        name: kind(**{each.name: arrays.pop(f"{name}.{each.name}") for each in fields(kind)})
        for name, kind in NESTED.items()
    }
    return RunningTotals(frame=frame, **nested, **arrays)
