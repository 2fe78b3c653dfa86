"""PURE. Criteria: the scales that responses are scored on, and the reader of scores given on them."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from annotation.kinds.faults import FaultList, refuse_unknown_keys, shorten
from annotation.kinds.fields import name_type, read_number

CRITERION_NAME = re.compile(r"[-a-zA-Z0-9_]{1,60}")
"""A criterion's name stands in addresses and column names."""

Score: TypeAlias = int | float | None
Scores: TypeAlias = dict[str, dict[str, Score]]


@dataclass(frozen=True, slots=True)
class CriterionSpec:
    """One scale: from `minimum` to `maximum`, both allowed."""

    name: str
    minimum: float
    maximum: float
    step: float | None = None
    """Distance between two allowed values, counted from the minimum; None for a continuous scale."""
    required: bool = True
    """Whether every response needs a score; where not, null says "not applicable"."""

    def value_fault(self, value: float) -> str:
        """Why this value isn't on the scale, or an empty string."""
        if not self.minimum <= value <= self.maximum:
            return f"must be between {self.minimum:g} and {self.maximum:g}"
        if self.step is not None:
            steps = (value - self.minimum) / self.step
            if abs(steps - round(steps)) > 1e-6:
                return f"must be {self.minimum:g} plus a multiple of {self.step:g}"
        return ""


def criterion_names(criteria: Sequence[CriterionSpec] | None) -> list[str] | None:
    """The names of the scales, or None where they aren't known yet."""
    return None if criteria is None else [spec.name for spec in criteria]


def read_scores(
    value: object,
    faults: FaultList,
    *,
    response_keys: Collection[str],
    criteria: Sequence[CriterionSpec] | None,
) -> Scores:
    """Scores as {criterion: {response: number or null}}.

    criteria: the project's scales; None where they aren't known yet (a file that brings its own project), in which
    case any criterion name and any finite number is taken.
    """
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        faults.add(f"expected an object of criteria, got {name_type(value)}")
        return {}
    if criteria is None:
        return _read_free_scores(value, faults, response_keys)
    refuse_unknown_keys(value, [spec.name for spec in criteria], faults)
    scores = {
        spec.name: _read_criterion(value.get(spec.name), faults.at(spec.name), response_keys, spec) for spec in criteria
    }
    return {name: by_response for name, by_response in scores.items() if by_response}


def _read_free_scores(value: Mapping[str, object], faults: FaultList, response_keys: Collection[str]) -> Scores:
    scores: Scores = {}
    for name, by_response in value.items():
        place = faults.at(shorten(name))
        if not CRITERION_NAME.fullmatch(name):
            place.add("a criterion's name is at most 60 letters, digits, hyphens and underscores")
            continue
        scores[name] = _read_criterion(by_response, place, response_keys, None)
    return {name: by_response for name, by_response in scores.items() if by_response}


def _read_criterion(
    value: object, faults: FaultList, response_keys: Collection[str], spec: CriterionSpec | None
) -> dict[str, Score]:
    given = {} if value is None else value
    if not isinstance(given, Mapping):
        faults.add(f"expected an object of response: score, got {name_type(given)}")
        return {}
    refuse_unknown_keys(given, response_keys, faults)
    if spec is not None and spec.required:
        _report_missing(given, faults, response_keys)
    return {key: _read_score(given[key], faults.at(key), spec) for key in response_keys if key in given}


def _report_missing(given: Mapping[str, object], faults: FaultList, response_keys: Collection[str]) -> None:
    for key in response_keys:
        if given.get(key) is None:
            faults.add("a score is required", key)


def _read_score(value: object, faults: FaultList, spec: CriterionSpec | None) -> Score:
    number = None if value is None else read_number(value, faults)
    if number is not None and spec is not None:
        message = spec.value_fault(number)
        if message:
            faults.add(message)
    return number
