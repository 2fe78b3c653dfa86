import pytest
from scipy import stats

from annotation.agreement.distributions import f_quantile, normal_quantile, t_quantile

PROBABILITIES = [0.001, 0.025, 0.5, 0.9, 0.975, 0.9999]


@pytest.mark.parametrize("probability", PROBABILITIES)
@pytest.mark.parametrize(("above", "below"), [(1, 1), (1, 5), (3, 15), (7.3, 2.2), (200, 600), (999, 12)])
def test_quantiles_are_those_of_another_implementation(probability: float, above: float, below: float) -> None:
    assert f_quantile(probability, above, below) == pytest.approx(stats.f.ppf(probability, above, below), rel=1e-9)
    assert t_quantile(probability, below) == pytest.approx(stats.t.ppf(probability, below), rel=1e-9, abs=1e-12)
    assert normal_quantile(probability) == pytest.approx(stats.norm.ppf(probability), abs=1e-12)
