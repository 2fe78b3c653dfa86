"""PURE. Simulated annotators: a hidden opinion about every response, seen through noise.

For trials and load tests only. What they say follows from the texts alone, so statistics, snapshots and reward models
made of it can be checked against `hidden_utility`.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from random import Random
from typing import Any

from annotation.kinds.criteria import CriterionSpec

TIE_WIDTH = 0.02
"""Responses that an annotator sees closer together than this are tied; in points of utility."""
TYPICAL_SECONDS = 20.0
WORD = re.compile(r"[^\W\d_]{2,}")


def hidden_utility(prompt: str, response: str) -> float:
    """What a response is worth, from 0 to 1: how far it stays with the prompt's words, and how its words are liked.

    Both parts are means over the response's words, so a longer response is not worth more for being longer. An empty
    response is worth 0.
    """
    words = [word.lower() for word in WORD.findall(response)]
    if not words:
        return 0.0
    asked = {word.lower() for word in WORD.findall(prompt)}
    on_topic = sum(word in asked for word in words) / len(words)
    liked = sum(_liking(word) for word in words) / len(words)
    return 0.5 * min(1.0, 3 * on_topic) + 0.5 * liked


def _liking(word: str) -> float:
    """A fixed taste in words, from 0 to 1: an opinion that nothing else explains."""
    return sha256(word.encode()).digest()[0] / 255


def perceive(utilities: Mapping[str, float], *, noise: float, seed: str) -> dict[str, float]:
    """What one annotator takes the responses to be worth: the truth plus Gaussian noise of standard deviation `noise`.

    seed: names annotator and task; the same seed sees the same, in whatever order people come.
    """
    return {key: worth + Random(f"{seed}:{key}").gauss(0.0, noise) for key, worth in utilities.items()}  # noqa: S311


def rank_responses(perceived: Mapping[str, float]) -> list[list[str]]:
    """Tiers, best first; a response that is hardly worse than the one above it shares its tier."""
    order = sorted(perceived, key=lambda key: (-perceived[key], key))
    tiers: list[list[str]] = []
    for above, key in zip([None, *order], order, strict=False):
        if above is not None and perceived[above] - perceived[key] < TIE_WIDTH:
            tiers[-1].append(key)
        else:
            tiers.append([key])
    return tiers


def score_response(worth: float, spec: CriterionSpec) -> float:
    """A perceived worth as a point of a scale."""
    share = min(max(worth, 0.0), 1.0)
    value = spec.minimum + share * (spec.maximum - spec.minimum)
    if spec.step is None:
        return round(value, 3)
    points = int((spec.maximum - spec.minimum) / spec.step + 1e-9)
    return spec.minimum + min(round((value - spec.minimum) / spec.step), points) * spec.step


def known_worth(
    known: Mapping[str, Any], *, keys: Sequence[str], criteria: Sequence[CriterionSpec]
) -> dict[str, float] | None:
    """What the responses of a task with a known answer are worth, from 0 to 1; None where the answer does not say.

    A ranking's tiers are spread evenly over the range, the best worth 1, what was not ranked 0; of a scored response
    it is the mean of its scores as shares of their scales.
    """
    tiers = known.get("tiers")
    if tiers:
        worth = {key: 1 - place / max(1, len(tiers) - 1) for place, tier in enumerate(tiers) for key in tier}
        return {key: worth.get(key, 0.0) for key in keys}
    scores = known.get("scores") or {}
    shares: dict[str, list[float]] = {key: [] for key in keys}
    for spec in criteria:
        for key, value in (scores.get(spec.name) or {}).items():
            shares[key].append((float(value) - spec.minimum) / (spec.maximum - spec.minimum))
    return {key: sum(each) / len(each) for key, each in shares.items()} if all(shares.values()) else None


def simulate_answer(
    *,
    kind: str,
    prompt: str,
    texts: Mapping[str, str],
    criteria: Sequence[CriterionSpec],
    noise: float,
    seed: str,
    known: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An answer as a page would send it.

    texts: {response key: text}. seed: names annotator and task. known: the right answer of a task that has one, which
    then is the truth that is seen through noise.
    """
    told = known_worth(known, keys=list(texts), criteria=criteria) if known else None
    worth = told or {key: hidden_utility(prompt, text) for key, text in texts.items()}
    perceived = perceive(worth, noise=noise, seed=seed)
    scores = {spec.name: _score_all(perceived, spec, noise=noise / 2, seed=f"{seed}:{spec.name}") for spec in criteria}
    milliseconds = round(1000 * TYPICAL_SECONDS * Random(seed).lognormvariate(0.0, 0.5))  # noqa: S311
    answer: dict[str, Any] = {"scores": scores, "active_ms": milliseconds}
    return answer | {"tiers": rank_responses(perceived)} if kind == "ranking" else answer


def _score_all(perceived: Mapping[str, float], spec: CriterionSpec, *, noise: float, seed: str) -> dict[str, float]:
    """Scores on one criterion: near the overall impression, but not the same on every criterion."""
    return {key: score_response(worth, spec) for key, worth in perceive(perceived, noise=noise, seed=seed).items()}
