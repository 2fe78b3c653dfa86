"""PURE. Bradley-Terry with ties and an advantage of the place, for choices whose makers do not matter."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.observations import TIE, Floats
from annotation.consensus.choice import choice_terms
from annotation.consensus.comparisons import Comparisons
from annotation.consensus.newton import NoMaximum, maximise


@dataclass(frozen=True, eq=False, slots=True)
class BradleyTerryFit:
    """Worths in log-odds with their covariance."""

    worth: Floats
    """[I] mean 0."""
    covariance: Floats
    """[I, I]; of worths with mean 0, so that it has a zero direction."""
    position: float
    """Log-odds for what is shown first; 0 where no shown order is known."""
    position_error: float
    tie: float
    """Log-odds of a tie against one side of an even pair; -inf where nobody tied."""
    log_likelihood: float

    @property
    def error(self) -> Floats:
        """[I] standard errors."""
        return np.sqrt(np.diag(self.covariance))


def fit_bradley_terry(comparisons: Comparisons, *, prior_width: float | None = None) -> BradleyTerryFit:
    """The maximum of the likelihood of all choices, each counted by its weight.

    prior_width: standard deviation of a Gaussian that draws worths towards their mean; None draws nothing.
    Raises: ValueError without choices; NoMaximum when there is no finite estimate, as for an item that won always.
    Source: Bradley and Terry 1952; Davidson 1970 (ties); Davidson and Beaver 1977 (order).
    """
    data = comparisons
    if not data.choices:
        raise ValueError("there is no choice between two different items")
    has_ties, has_places = bool((data.answer == TIE).any()), bool(data.shown.any())
    design = _design(data, has_places=has_places)
    ridge = np.zeros(design.shape[1] + has_ties)
    # Worths are defined up to a constant: a ridge across it costs nothing, for their mean is taken away afterwards.
    if prior_width is not None:
        ridge[: data.items] = prior_width**-2

    def terms(point: Floats) -> tuple[float, Floats, Floats]:
        tie = point[-1] if has_ties else -np.inf
        found = choice_terms(data.answer, design @ point[: design.shape[1]], np.full(data.choices, tie))
        value = float(data.weight @ found.log_likelihood) - float(ridge @ point**2) / 2
        slope = design.T @ (data.weight * found.slope)
        curvature = design.T @ ((data.weight * found.curvature)[:, None] * design)
        if has_ties:
            slope = np.append(slope, data.weight @ found.tie_slope)
            across = design.T @ (data.weight * found.cross)
            corner = np.array([[data.weight @ found.tie_curvature]])
            curvature = np.block([[curvature, across[:, None]], [across[None], corner]])
        return value, slope - ridge * point, curvature + np.diag(ridge)

    point, curvature = maximise(terms, np.zeros(len(ridge)))
    _refuse_disconnected(data, prior_width)
    return _describe(point, curvature, data.items, has_ties=has_ties, has_places=has_places, value=terms(point)[0])


def _design(data: Comparisons, *, has_places: bool) -> Floats:
    """[N, I (+ 1)] what each parameter adds to the lead of a choice."""
    design = np.zeros((data.choices, data.items + has_places))
    rows = np.arange(data.choices)
    design[rows, data.first[data.pair]] = 1
    design[rows, data.second[data.pair]] = -1
    if has_places:
        design[:, -1] = data.shown
    return design


def _refuse_disconnected(data: Comparisons, prior_width: float | None) -> None:
    """Each item must beat or tie others, directly or through others, for worths to be comparable."""
    if prior_width is not None:
        return
    beats = np.eye(data.items, dtype=bool)
    first, second = data.first[data.pair], data.second[data.pair]
    beats[first[data.answer <= TIE], second[data.answer <= TIE]] = True
    beats[second[data.answer >= TIE], first[data.answer >= TIE]] = True
    for _ in range(int(np.ceil(np.log2(max(data.items, 2))))):
        beats = (beats.astype(np.float32) @ beats.astype(np.float32)) > 0
    if not beats.all():
        raise NoMaximum("no finite estimate: something won or lost all its comparisons, or groups never meet")


def _describe(
    point: Floats, curvature: Floats, items: int, *, has_ties: bool, has_places: bool, value: float
) -> BradleyTerryFit:
    centre = np.eye(len(point))
    centre[:items, :items] -= 1 / items
    covariance = centre @ np.linalg.pinv(curvature) @ centre.T
    return BradleyTerryFit(
        worth=point[:items] - point[:items].mean(),
        covariance=covariance[:items, :items],
        position=float(point[items]) if has_places else 0.0,
        position_error=float(np.sqrt(covariance[items, items])) if has_places else 0.0,
        tie=float(point[-1]) if has_ties else -np.inf,
        log_likelihood=value,
    )
