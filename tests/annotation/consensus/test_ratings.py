"""Scores by people of different severity and spread."""

import numpy as np
import pytest

from annotation.consensus.ratings import fit_ratings


def scores(seed: int = 0, units: int = 150, people: int = 12, votes: int = 4) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    quality, severity = generator.normal(5, 1.5, units), generator.normal(0, 1, people)
    spread, noise = np.exp(generator.normal(0, 0.25, people)), np.where(np.arange(people) < 3, 2.0, 0.4)
    unit = np.repeat(np.arange(units), votes)
    person = np.concatenate([generator.choice(people, votes, replace=False) for _ in range(units)])
    value = 5 + severity[person] + spread[person] * (quality[unit] - 5)
    value = value + generator.normal(size=len(unit)) * noise[person]
    return {
        "unit": unit, "annotator": person, "value": value, "quality": quality, "severity": severity, "spread": spread,
        "noise": noise,
    }  # fmt: skip


def test_quality_is_found_better_than_by_means() -> None:
    known = scores()
    fit = fit_ratings(unit=known["unit"], annotator=known["annotator"], value=known["value"])
    means = np.bincount(known["unit"], known["value"]) / np.bincount(known["unit"])
    ours, theirs = (np.corrcoef(each, known["quality"])[0, 1] for each in (fit.quality, means))
    assert ours > 0.97 > theirs
    assert np.corrcoef(fit.severity, known["severity"])[0, 1] > 0.95
    assert np.corrcoef(fit.spread, known["spread"])[0, 1] > 0.9
    assert fit.noise[:3].min() > 1.2 > 0.8 > fit.noise[3:].max()


def test_errors_hold_the_truth() -> None:
    inside = []
    for seed in range(5):
        known = scores(seed)
        fit = fit_ratings(unit=known["unit"], annotator=known["annotator"], value=known["value"])
        # The scale is that of the average annotator in this crowd.
        slope, start = np.polyfit(known["quality"], fit.quality, 1)
        inside.append(np.abs(fit.quality - (start + slope * known["quality"])) < 1.96 * fit.quality_error)
    assert 0.9 < np.mean(inside) < 0.99


def test_shifting_and_stretching_the_scale_shifts_and_stretches_the_result() -> None:
    known = scores(units=40)
    plain = fit_ratings(unit=known["unit"], annotator=known["annotator"], value=known["value"])
    moved = fit_ratings(unit=known["unit"], annotator=known["annotator"], value=10 * known["value"] + 3)
    np.testing.assert_allclose(moved.quality, 10 * plain.quality + 3, rtol=1e-4)
    np.testing.assert_allclose(moved.noise, 10 * plain.noise, rtol=1e-3)
    np.testing.assert_allclose(moved.spread, plain.spread, rtol=1e-3)


def test_one_score_makes_nobody_extreme() -> None:
    known = scores(units=60)
    fit = fit_ratings(
        unit=np.append(known["unit"], 0), annotator=np.append(known["annotator"], 99),
        value=np.append(known["value"], 30.0),
    )  # fmt: skip
    assert abs(fit.spread[-1] - 1) < 0.6
    assert fit.severity[-1] < 10


def test_the_order_of_rows_does_not_matter() -> None:
    known = scores(units=30)
    order = np.random.default_rng(1).permutation(len(known["unit"]))
    plain = fit_ratings(unit=known["unit"], annotator=known["annotator"], value=known["value"])
    mixed = fit_ratings(unit=known["unit"][order], annotator=known["annotator"][order], value=known["value"][order])
    np.testing.assert_allclose(mixed.quality, plain.quality, rtol=1e-9)


def test_equal_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="no two different scores"):
        fit_ratings(unit=np.arange(3), annotator=np.arange(3), value=np.ones(3))
