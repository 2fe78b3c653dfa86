import pytest

from trainingruns.charts import draw_curve


@pytest.mark.parametrize(
    ("value", "shown"),
    [(2e-5, "2e-05"), (0.000123, "0.000123"), (0.34567, "0.3457"), (-1.5, "-1.5"), (12345.6, "12,346"), (0.0, "0")],
)
def test_the_table_beside_a_curve_keeps_the_digits_of_small_values(value: float, shown: str) -> None:
    curve = draw_curve("learning_rate", "Learning rate", [(1, 0.5), (2, value)])
    assert curve.rows() == [(1, "0.5", ""), (2, shown, "")]


def test_a_band_lies_around_the_curve_and_the_scale_holds_it() -> None:
    curve = draw_curve("w", "W", [(0, 0.5), (10, 0.5), (20, 0.75)], [(0.0, 1.0), (0.25, 0.75), (0.5, 1.0)])
    assert (curve.low, curve.high, curve.latest, curve.latest_interval) == ("0", "1", "0.75", "0.5 to 1")
    # 0 lies at the bottom (96), 1 at the top (6).
    assert curve.path == "M0.0,51.0 L150.0,51.0 L300.0,28.5"
    assert curve.band == "M0.0,6.0 L150.0,28.5 L300.0,6.0 L300.0,51.0 L150.0,73.5 L0.0,96.0 Z"
    assert curve.end == (300.0, 28.5)
    assert curve.rows()[1] == (10, "0.5", "0.25 to 0.75")


def test_a_band_is_broken_where_no_interval_was_told_and_a_lone_one_is_a_bar() -> None:
    points = [(0, 0.5), (10, 0.5), (20, 0.5), (30, 0.5)]
    curve = draw_curve("w", "W", points, [(0.0, 1.0), None, (0.0, 1.0), (0.0, 1.0)])
    assert curve.band.split(" M") == [
        "M-2.0,6.0 L2.0,6.0 L2.0,96.0 L-2.0,96.0 Z",
        "200.0,6.0 L300.0,6.0 L300.0,96.0 L200.0,96.0 Z",
    ]
    assert [row[2] for row in curve.rows()] == ["0 to 1", "", "0 to 1", "0 to 1"]


def test_without_any_interval_there_is_no_band() -> None:
    plain, empty = (draw_curve("w", "W", [(1, 0.5), (2, 0.6)], ends) for ends in (None, [None, None]))
    assert plain == empty and (plain.band, plain.latest_interval, plain.intervals) == ("", "", ())


def test_points_and_intervals_are_thinned_alike() -> None:
    points = [(step, step / 1000) for step in range(1000)]
    curve = draw_curve("w", "W", points, [(value, value + 1) for _, value in points])
    assert len(curve.points) == len(curve.intervals) < 1000
    assert all(
        ends is not None and ends[0] == value for (_, value), ends in zip(curve.points, curve.intervals, strict=True)
    )
    assert curve.intervals[-1] == (0.999, 1.999)
