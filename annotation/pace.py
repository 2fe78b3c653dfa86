"""PURE. How fast judgments arrive, and when the rest of them will be there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

FEWEST_FOR_RANGE = 10
"""Below this many judgments an interval of the pace would reach down to nothing."""
Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Estimate:
    """When the wanted judgments will have arrived if people go on as they did."""

    at: datetime
    earliest: datetime | None
    latest: datetime | None
    """The ends of a 95% range from the count alone; None where it is too small to give one."""


def estimate_finish(*, wanted: int, given: int, hours: float, now: datetime) -> Estimate | None:
    """When `wanted` more judgments are there, at the pace of `given` in the last `hours`.

    Arrivals are counted as Poisson, so that the pace is known to within 1.96 times the root of the count. How many
    people will be at work tomorrow nobody knows: the range speaks of chance, not of that.
    Returns: None while the pace is nought; `now` where nothing is wanted.
    """
    if wanted <= 0:
        return Estimate(now, now, now)
    if given <= 0:
        return None
    reach = Z95 * sqrt(given)
    is_known = given >= FEWEST_FOR_RANGE

    def after(count: float) -> datetime:
        return now + timedelta(hours=min(hours * wanted / count, 24 * 3650))

    return Estimate(
        after(given), after(given + reach) if is_known else None, after(given - reach) if is_known else None
    )


@dataclass(frozen=True, slots=True)
class Hour:
    """One bar of the throughput chart."""

    start: datetime
    judgments: int


def fill_hours(counts: Mapping[datetime, int], *, now: datetime, hours: int) -> list[Hour]:
    """The last `hours` full hours and the current one, oldest first; hours without a judgment count nought."""
    current = now.replace(minute=0, second=0, microsecond=0)
    starts = [current - timedelta(hours=back) for back in range(hours, -1, -1)]
    return [Hour(start, counts.get(start, 0)) for start in starts]
