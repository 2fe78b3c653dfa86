"""PURE. The maximum of a concave function of a few numbers."""

from collections.abc import Callable

import numpy as np

from annotation.agreement.observations import Floats

Terms = Callable[[Floats], tuple[float, Floats, Floats]]
"""Value, slope [n] and minus the second derivatives [n, n] at a point [n]."""

MOST_STEPS = 200
PRECISION = 1e-10
RUNAWAY = 30.0
"""In log-odds: a maximum that lies further out lies at infinity."""


class NoMaximum(ValueError):
    """The function grows without end: something won or lost everything."""


def maximise(terms: Terms, start: Floats) -> tuple[Floats, Floats]:
    """(point, minus the second derivatives there), by Newton steps that are halved until they climb.

    Raises: NoMaximum when the point runs away.
    """
    point = start
    value, slope, curvature = terms(point)
    for _ in range(MOST_STEPS):
        step = np.linalg.lstsq(curvature, slope, rcond=None)[0]
        if float(step @ slope) < PRECISION:
            return point, curvature
        length = 1.0
        while (new := terms(point + length * step))[0] < value and length > 1e-8:
            length /= 2
        point = point + length * step
        value, slope, curvature = new
        if np.abs(point).max(initial=0.0) > RUNAWAY:
            break
    raise NoMaximum("no finite estimate: something won or lost all its comparisons, or groups never meet")
