"""PURE. Running totals as bytes and back."""

from dataclasses import fields
from io import BytesIO

import numpy as np

from annotation.agreement.measures import Frame
from annotation.agreement.running import RunningTotals

VERSION = 1
"""Goes up whenever a statistic, its columns or the draws change: totals of another version are computed anew."""
ARRAYS = [each.name for each in fields(RunningTotals) if each.name != "frame"]


def write_totals(totals: RunningTotals, *, seed: int) -> bytes:
    """The totals as a NumPy archive."""
    frame = totals.frame
    numbers = np.array([VERSION, seed, frame.usual_size, frame.tasks])
    content = BytesIO()
    np.savez(content, numbers=numbers, values=frame.values, **{name: getattr(totals, name) for name in ARRAYS})
    return content.getvalue()


def read_totals(content: bytes, *, seed: int, resamples: int) -> RunningTotals | None:
    """The totals; None where they are of another version of the statistics, seed or number of resamples."""
    with np.load(BytesIO(content), allow_pickle=False) as archive:
        version, drawn_with, usual_size, tasks = archive["numbers"].tolist()
        if (version, drawn_with) != (VERSION, seed) or len(archive["drawn"]) != resamples:
            return None
        frame = Frame(values=archive["values"], usual_size=usual_size, tasks=tasks)
        return RunningTotals(frame=frame, **{name: archive[name] for name in ARRAYS})
