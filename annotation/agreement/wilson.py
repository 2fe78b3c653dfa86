"""PURE (standard library). The interval of a share that was counted."""

from annotation.agreement.distributions import normal_quantile


def wilson_interval(hits: float, trials: float, *, confidence: float = 0.95) -> tuple[float, float] | None:
    """Wilson's score interval of hits / trials; None without trials.

    It stays inside [0, 1] and has a width at 0 hits and at hits only. Trials must be independent of each other: one
    person's gold tasks or repeats are, judgments of one task are not.
    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    Raises: ValueError unless 0 <= hits <= trials.
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"hits must lie between 0 and the trials ({trials}), got {hits}")
    if not trials:
        return None
    z = normal_quantile((1 + confidence) / 2)
    share, shrink = hits / trials, 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / shrink
    half = z / shrink * (share * (1 - share) / trials + z * z / (4 * trials * trials)) ** 0.5
    # At the very ends rounding could leave them.
    return (0.0 if not hits else max(0.0, middle - half)), (1.0 if hits == trials else min(1.0, middle + half))
