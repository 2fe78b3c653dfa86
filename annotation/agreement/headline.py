"""PURE. The one number of each criterion that stands for how far people agree on it."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

LEVELS = {"preference": "ordinal", "ranking": "rank"}
"""The scale that a criterion's alpha is read on; scores are read on the interval one."""
Record = TypeVar("Record", bound=Mapping[str, Any])


def head_statistics(statistics: Iterable[Record]) -> list[Record]:
    """For each criterion of a report the alpha that its scale asks for, in the order of the report."""
    return [
        each
        for each in statistics
        if each["statistic"] == "krippendorff_alpha" and each["level"] == LEVELS.get(each["criterion"], "interval")
    ]
