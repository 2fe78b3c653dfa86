"""Contenders by turns: a machine's speed drifts by the minute, and each is to have its share of every stretch."""

import json
import statistics
from collections.abc import Callable, Sequence
from typing import Any

Result = dict[str, Any]
"""`parts`: seconds of each part, a number a step; `peak_mib`: highest memory; whatever else a contender tells."""


def run_by_turns(names: Sequence[str], start: Callable[[str], Result], *, rounds: int) -> dict[str, Result]:
    """What each contender measured over all rounds, in each of which every one runs once in a process of its own."""
    found: dict[str, list[Result]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            found[name].append(start(name))
            print(json.dumps({"contender": name, **found[name][-1]}), flush=True)
    return {name: _pool(own) for name, own in found.items()}


def _summarize(values: Sequence[float]) -> dict[str, float]:
    """Minimum, median and maximum."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def _pool(results: Sequence[Result]) -> Result:
    """Summaries of all rounds' parts; of anything else the highest."""
    pooled = {name: max(own[name] for own in results) for name in results[0] if name != "parts"}
    parts = {name: [value for own in results for value in own["parts"][name]] for name in results[0]["parts"]}
    return {**pooled, "parts": {name: _summarize(values) for name, values in parts.items()}}
