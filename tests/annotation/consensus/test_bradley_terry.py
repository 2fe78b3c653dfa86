"""Bradley-Terry against what is published, another implementation, and a general optimiser."""

import choix
import numpy as np
import pytest
from scipy.optimize import minimize

from annotation.agreement.observations import FIRST, SECOND, TIE
from annotation.consensus.bradley_terry import BradleyTerryFit, fit_bradley_terry
from annotation.consensus.choice import choice_probabilities, choice_terms
from annotation.consensus.comparisons import Comparisons, build_comparisons
from annotation.consensus.newton import NoMaximum


def from_wins(wins: list[list[int]]) -> Comparisons:
    """wins[i][j]: how often i won against j."""
    winner, loser = np.nonzero(wins)
    return build_comparisons(
        first=winner, second=loser, annotator=np.zeros(len(winner), int), answer=np.full(len(winner), FIRST),
        weight=np.array(wins, float)[winner, loser],
    )  # fmt: skip


def relative(fit: BradleyTerryFit, to: int) -> list[float]:
    return [float(each) for each in fit.worth - fit.worth[to]]


def test_the_baseball_season_of_agresti_comes_out_to_the_printed_digits() -> None:
    # Agresti 2002, table 10.10: Milwaukee, Detroit, Toronto, New York, Boston, Cleveland, Baltimore.
    wins = [
        [0, 7, 9, 7, 7, 9, 11], [6, 0, 7, 5, 11, 9, 9], [4, 6, 0, 7, 7, 8, 12], [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12], [4, 4, 5, 6, 6, 0, 6], [2, 4, 1, 3, 1, 7, 0],
    ]  # fmt: skip
    found = relative(fit_bradley_terry(from_wins(wins)), to=6)
    assert [round(each, 3) for each in found[:6]] == [1.581, 1.436, 1.294, 1.248, 1.108, 0.684]


def test_the_journal_citations_come_out_to_the_printed_digits() -> None:
    # Agresti 2002, p. 448; BradleyTerry2: Biometrika (reference), Comm Statist, JASA, JRSS-B.
    wins = [[0, 730, 498, 221], [33, 0, 68, 17], [320, 813, 0, 142], [284, 276, 325, 0]]
    fit = fit_bradley_terry(from_wins(wins))
    assert [round(each, 4) for each in relative(fit, to=0)[1:]] == [-2.9491, -0.4796, 0.2690]
    contrast = np.array([[-1, 1, 0, 0], [-1, 0, 1, 0], [-1, 0, 0, 1]])
    errors = np.sqrt(np.diag(contrast @ fit.covariance @ contrast.T))
    np.testing.assert_allclose(errors, [0.10255, 0.06059, 0.07083], atol=6e-6)


@pytest.mark.parametrize("seed", range(4))
def test_another_implementation_gives_the_same(seed: int) -> None:
    generator = np.random.default_rng(seed)
    data = [tuple(generator.choice(6, 2, replace=False)) for _ in range(150)]
    winner, loser = np.array(data).T
    fit = fit_bradley_terry(
        build_comparisons(first=winner, second=loser, annotator=np.zeros(150, int), answer=np.full(150, FIRST))
    )
    np.testing.assert_allclose(fit.worth, choix.opt_pairwise(6, data), atol=1e-5)


def test_ties_and_places_are_where_a_general_optimiser_finds_them() -> None:
    generator = np.random.default_rng(3)
    first, second = np.array([generator.choice(4, 2, replace=False) for _ in range(300)]).T
    answer, shown = generator.choice(3, 300, p=[0.5, 0.3, 0.2]), generator.choice([-1, 1], 300)
    data = build_comparisons(first=first, second=second, annotator=np.zeros(300, int), answer=answer, shown=shown)

    def loss(point: np.ndarray) -> float:
        lead = point[first] - point[second] + point[4] * shown
        chances = np.stack(choice_probabilities(lead, np.full(300, point[5])))
        return -np.log(chances[answer, np.arange(300)]).sum() + (point[:4].sum()) ** 2

    best = minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-7})
    fit = fit_bradley_terry(data)
    np.testing.assert_allclose([*fit.worth, fit.position, fit.tie], best.x, atol=1e-4)
    np.testing.assert_allclose(fit.log_likelihood, -best.fun, atol=1e-7)


def test_who_always_won_has_no_finite_worth_unless_something_draws_it_in() -> None:
    wins = [[0, 5, 4], [0, 0, 3], [0, 2, 0]]
    with pytest.raises(NoMaximum, match="won or lost all"):
        fit_bradley_terry(from_wins(wins))
    drawn_in = fit_bradley_terry(from_wins(wins), prior_width=1.0).worth
    assert drawn_in[0] > drawn_in[1] > drawn_in[2]


def test_groups_that_never_meet_cannot_be_compared() -> None:
    wins = [[0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 3, 0]]
    with pytest.raises(NoMaximum, match="groups never meet"):
        fit_bradley_terry(from_wins(wins))


def test_slopes_and_curvatures_are_those_of_the_likelihood() -> None:
    answer = np.repeat([FIRST, TIE, SECOND], 20)
    lead, tie = np.random.default_rng(1).normal(0, 2, 60), np.random.default_rng(2).normal(0, 1, 60)
    found, step = choice_terms(answer, lead, tie), 1e-5

    def at(one: float, other: float) -> np.ndarray:
        return choice_terms(answer, lead + one, tie + other).log_likelihood

    np.testing.assert_allclose(found.slope, (at(step, 0) - at(-step, 0)) / (2 * step), atol=1e-6)
    np.testing.assert_allclose(found.tie_slope, (at(0, step) - at(0, -step)) / (2 * step), atol=1e-6)
    up, down = choice_terms(answer, lead + step, tie), choice_terms(answer, lead - step, tie)
    np.testing.assert_allclose(found.curvature, -(up.slope - down.slope) / (2 * step), atol=1e-6)
    np.testing.assert_allclose(found.cross, -(up.tie_slope - down.tie_slope) / (2 * step), atol=1e-6)


def test_an_item_is_not_compared_with_itself() -> None:
    with pytest.raises(ValueError, match="x is compared with itself"):
        build_comparisons(
            first=np.array(["x"]), second=np.array(["x"]), annotator=np.array([1]), answer=np.array([TIE])
        )
