import pytest

from trainingruns.charts import draw_curve


@pytest.mark.parametrize(
    ("value", "shown"),
    [(2e-5, "2e-05"), (0.000123, "0.000123"), (0.34567, "0.3457"), (-1.5, "-1.5"), (12345.6, "12,346"), (0.0, "0")],
)
def test_the_table_beside_a_curve_keeps_the_digits_of_small_values(value: float, shown: str) -> None:
    curve = draw_curve("learning_rate", "Learning rate", [(1, 0.5), (2, value)])
    assert curve.rows() == [(1, "0.5"), (2, shown)]
