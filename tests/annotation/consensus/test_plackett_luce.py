"""Plackett-Luce against other implementations: strict rankings, and ties as a stratified Cox model has them."""

import choix
import numpy as np
import pytest
from statsmodels.duration.hazard_regression import PHReg

from annotation.consensus.plackett_luce import fit_plackett_luce


@pytest.mark.parametrize("seed", range(3))
def test_strict_rankings_are_ranked_as_another_implementation_does(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rankings = [generator.permutation(5)[: generator.integers(2, 6)].tolist() for _ in range(80)]
    fit = fit_plackett_luce([[[item] for item in ranking] for ranking in rankings], items=5)
    np.testing.assert_allclose(fit.worth, choix.opt_rankings(5, rankings), atol=1e-5)


def test_ties_are_those_of_a_cox_model_whose_strata_are_rankings() -> None:
    generator = np.random.default_rng(7)
    places = generator.integers(0, 3, size=(60, 4))
    places = places[[len(set(row)) > 1 for row in places]]
    rankings = [[np.flatnonzero(row == tier).tolist() for tier in np.unique(row)] for row in places]
    # Somebody who comes later in a ranking "survives" longer; the last tier is censored.
    time = places.ravel().astype(float)
    status = (places < places.max(axis=1, keepdims=True)).ravel().astype(int)
    design = np.tile(np.eye(4)[:, 1:], (len(places), 1))
    strata = np.repeat(np.arange(len(places)), 4)
    cox = PHReg(time, design, status=status, strata=strata, ties="efron").fit()
    fit = fit_plackett_luce(rankings, items=4)
    np.testing.assert_allclose((fit.worth - fit.worth[0])[1:], cox.params, atol=1e-5)
    contrast = np.hstack([-np.ones((3, 1)), np.eye(3)])
    np.testing.assert_allclose(np.sqrt(np.diag(contrast @ fit.covariance @ contrast.T)), cox.bse, atol=1e-5)


def test_rankings_that_tie_everything_say_nothing() -> None:
    with pytest.raises(ValueError, match="places one item above another"):
        fit_plackett_luce([[[0, 1, 2]]], items=3)
