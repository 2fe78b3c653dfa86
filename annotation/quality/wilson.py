"""PURE. A mean of values between 0 and 1 with its interval."""

from dataclasses import dataclass

from annotation.agreement.wilson import wilson_interval


@dataclass(frozen=True, slots=True)
class Share:
    """A mean of values between 0 and 1 with its 95% interval; without a value there is none."""

    value: float | None
    low: float | None
    high: float | None
    count: int


def wilson_share(total: float, count: int, *, looks: int = 1) -> Share:
    """The mean of `count` values between 0 and 1 that add up to `total`.

    Values between 0 and 1 vary at most as much as heads and tails do, so for them the interval is wide enough.
    looks: how many such intervals are looked at for the most striking one; each is widened so that all of them hold
    together with 95% (Bonferroni).
    Returns: all None where count is 0. Raises: ValueError for a total that such values cannot have.
    Source: Wilson 1927, J. Am. Stat. Assoc. 22, 209-212; Newcombe 1998, Stat. Med. 17, 857-872, method 3.
    """
    if count < 0 or not -1e-9 <= total <= count + 1e-9:
        raise ValueError(f"{count} values between 0 and 1 cannot add up to {total}")
    if count == 0:
        return Share(None, None, None, 0)
    held = min(max(total, 0.0), float(count))
    interval = wilson_interval(held, count, confidence=1 - 0.05 / looks)
    assert interval is not None, "there are values"
    return Share(held / count, *interval, count)
