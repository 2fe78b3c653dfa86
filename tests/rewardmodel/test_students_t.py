import pytest
from scipy import stats

from rewardmodel.students_t import t_quantile


@pytest.mark.parametrize("degrees", [1, 1.02, 1.5, 2, 7.3, 49, 999, 1e5])
@pytest.mark.parametrize("probability", [0.75, 0.9, 0.975, 0.995])
def test_quantiles_are_those_of_scipy(probability: float, degrees: float) -> None:
    assert t_quantile(probability, degrees) == pytest.approx(stats.t.ppf(probability, degrees), rel=1e-7)


def test_the_middle_is_zero() -> None:
    assert t_quantile(0.5, 3) == 0


@pytest.mark.parametrize(("probability", "degrees"), [(0.4, 3), (1.0, 3), (0.9, 0), (0.9, float("nan"))])
def test_what_has_no_quantile_is_refused(probability: float, degrees: float) -> None:
    with pytest.raises(ValueError, match="t_quantile: wants"):
        t_quantile(probability, degrees)
