"""Dawid and Skene's model against crowd-kit's numbers, and what pooling is for."""

import numpy as np
import pytest

from annotation.consensus.dawid_skene import fit_dawid_skene


def small_table() -> dict[str, np.ndarray]:
    """Twelve units, five people, three answers; made by a rule, so that another program can make it too."""
    rows = []
    for unit in range(12):
        for person in range(5):
            noise = (7 * unit**2 + 3 * person**2 + 5 * unit * person) % 13
            said = unit % 3 if noise < 8 - 5 * (person == 4) else (unit + noise) % 3
            rows.append((unit, person, "abc"[said]))
    unit, person, answer = zip(*rows, strict=True)
    return {"unit": np.array(unit), "annotator": np.array(person), "answer": np.array(answer)}


def test_without_pooling_the_numbers_are_those_of_crowd_kit() -> None:
    # crowd-kit 1.4.2, DawidSkene(n_iter=1) and (n_iter=5) on the same table.
    once = fit_dawid_skene(**small_table(), pooled=0, most_rounds=1).truth
    expected = [[0.99967, 0.00033, 0.0], [0.00014, 0.711846, 0.288014], [0.0, 0.021674, 0.978326]]
    np.testing.assert_allclose(once[:3], expected, atol=1e-6)
    np.testing.assert_allclose(
        once[[5, 8]], [[0.006017, 0.189391, 0.804592], [0.164762, 0.000845, 0.834393]], atol=1e-6
    )
    expected = np.eye(3)[np.arange(12) % 3]
    expected[1] = [0.0, 0.794112, 0.205888]
    np.testing.assert_allclose(fit_dawid_skene(**small_table(), pooled=0, most_rounds=5).truth, expected, atol=1e-6)


def test_one_answer_makes_nobody_perfect_or_worthless() -> None:
    table = small_table()
    more = {"unit": np.append(table["unit"], 0), "annotator": np.append(table["annotator"], 9)}
    fit = fit_dawid_skene(**more, answer=np.append(table["answer"], "b"))
    assert 0.3 < fit.accuracy[-1] < fit.accuracy[:4].mean()


def test_a_mixed_crowd_is_read_better_than_by_plurality() -> None:
    generator = np.random.default_rng(1)
    truth, skill = generator.integers(0, 4, 600), np.repeat([0.9, 0.3], [6, 14])
    unit = np.repeat(np.arange(600), 5)
    person = np.concatenate([generator.choice(20, 5, replace=False) for _ in range(600)])
    answer = np.where(generator.random(3000) < skill[person], truth[unit], generator.integers(0, 4, 3000))
    fit = fit_dawid_skene(unit=unit, annotator=person, answer=answer)
    votes = np.zeros((600, 4))
    np.add.at(votes, (unit, answer), 1)
    assert (fit.answer == truth).mean() > (votes.argmax(axis=1) == truth).mean() + 0.05
    assert np.corrcoef(fit.accuracy, skill)[0, 1] > 0.97


def test_the_order_of_rows_does_not_matter() -> None:
    table = small_table()
    order = np.random.default_rng(0).permutation(60)
    mixed = fit_dawid_skene(**{name: column[order] for name, column in table.items()})
    np.testing.assert_allclose(mixed.truth, fit_dawid_skene(**table).truth, atol=1e-9)


def test_nothing_is_refused() -> None:
    nothing = np.zeros(0, int)
    with pytest.raises(ValueError, match="no judgment"):
        fit_dawid_skene(unit=nothing, annotator=nothing, answer=nothing)
