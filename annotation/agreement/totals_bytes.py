"""PURE. Running totals as bytes and back."""

import json
from dataclasses import fields

import numpy as np

from annotation.agreement.measures import Frame
from annotation.agreement.running import RunningTotals

VERSION = 1
"""Goes up whenever a statistic, its columns or the draws change: totals of another version are computed anew."""
ARRAYS = [each.name for each in fields(RunningTotals) if each.name != "frame"]


def write_totals(totals: RunningTotals, *, seed: int) -> bytes:
    """The totals: a line of JSON that says what follows, then the arrays one after another."""
    frame = totals.frame
    arrays = {"values": frame.values, **{name: getattr(totals, name) for name in ARRAYS}}
    head = {
        "version": VERSION, "seed": seed, "usual_size": frame.usual_size, "tasks": frame.tasks,
        "arrays": [[name, array.dtype.str, array.shape] for name, array in arrays.items()],
    }  # fmt: skip
    return b"".join([json.dumps(head).encode(), b"\n", *(each.tobytes() for each in arrays.values())])


def read_totals(content: bytes, *, seed: int, resamples: int) -> RunningTotals | None:
    """The totals; None where they are of another version of the statistics, seed or number of resamples."""
    at = content.index(b"\n") + 1
    head = json.loads(content[:at])
    if (head["version"], head["seed"]) != (VERSION, seed):
        return None
    arrays = {}
    for name, kind, shape in head["arrays"]:
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(content, np.dtype(kind), count, at).reshape(shape)
        at += arrays[name].nbytes
    if len(arrays["drawn"]) != resamples:
        return None
    frame = Frame(values=arrays.pop("values"), usual_size=head["usual_size"], tasks=head["tasks"])
    return RunningTotals(frame=frame, **arrays)
