"""The report: known values of real feedback, intervals, and reasons instead of empty numbers."""

import numpy as np
import pytest

from annotation.agreement.bootstrap import resample_sums, task_keys
from annotation.agreement.intervals import percentile_interval
from annotation.agreement.observations import PairObservations, RankingObservations, ScoreObservations
from annotation.agreement.report import StatisticRecord, agreement_report
from annotation.agreement.statistic import Share
from tests.annotation.agreement.judgments import read_data
from tests.annotation.agreement.published import SHROUT_FLEISS_1979

KEYS = ["criterion", "level", "statistic", "value", "low", "high", "confidence", "method", "units", "annotators",
        "judgments", "dropped", "note"]  # fmt: skip


def report(*observations, resamples: int = 200, seed: int = 0) -> dict[tuple[str, str], StatisticRecord]:
    records = agreement_report(observations, seed=seed, resamples=resamples)
    assert all(list(record) == KEYS for record in records)
    return {(record["level"], record["statistic"]): record for record in records}


def pairs(rows: list[tuple[str, str, int]]) -> PairObservations:
    task, annotator, value = zip(*rows, strict=True) if rows else ((), (), ())
    return PairObservations(np.array(task), np.array(annotator), np.array(value, int))


def scores(rows: list[tuple[str, str, float]]) -> ScoreObservations:
    unit, annotator, value = (np.array(column) for column in zip(*rows, strict=True))
    return ScoreObservations("helpful", unit, unit, annotator, value.astype(float))


def coin_toss(tasks: int, seed: int) -> PairObservations:
    said = np.random.default_rng(seed).integers(0, 3, size=(tasks, 3))
    return pairs([(f"t{task}", f"p{person}", int(said[task, person])) for task in range(tasks) for person in range(3)])


def test_argument_pairs_agree_as_known() -> None:
    found = report(pairs([
        (row["item_id"], said["annotator"], ["a", "tie", "b"].index(said["choice"]))
        for row in read_data("ukpconvarg1_demo.jsonl.gz") for said in row["annotations"]
    ]))  # fmt: skip
    nominal = found["nominal", "krippendorff_alpha"]
    assert round(nominal["value"], 4) == 0.3559
    assert round(found["ordinal", "krippendorff_alpha"]["value"], 4) == 0.4764
    assert (nominal["units"], nominal["judgments"], nominal["annotators"], nominal["dropped"]) == (3088, 15404, 1967, 0)
    assert nominal["low"] < 0.3559 < nominal["high"]
    assert nominal["criterion"] == "preference"


def test_translation_penalties_agree_as_known() -> None:
    rows = [(row["item_id"], said) for row in read_data("wmt23_sxs_mqm_ende.jsonl.gz") for said in row["annotations"]]
    found = report(ScoreObservations(
        "penalty",
        task_id=np.array([item for item, _ in rows]),
        unit_id=np.array([f"{item} {said['system']}" for item, said in rows]),
        annotator_id=np.array([said["annotator"] for _, said in rows]),
        value=np.array([said["mqm_penalty"] for _, said in rows], float),
    ))  # fmt: skip
    interval = found["interval", "krippendorff_alpha"]
    assert round(found["ordinal", "krippendorff_alpha"]["value"], 4) == 0.5145
    assert round(interval["value"], 4) == 0.5331
    assert (interval["units"], interval["annotators"], interval["criterion"]) == (1040, 10, "penalty")


def test_the_seed_and_nothing_else_decides_the_interval() -> None:
    observed = coin_toss(40, seed=1)
    order = np.random.default_rng(3).permutation(len(observed.value))
    moved = PairObservations(observed.task_id[order], observed.annotator_id[order], observed.value[order])
    assert report(observed) == report(moved)
    key = ("nominal", "krippendorff_alpha")
    assert report(observed, seed=1)[key]["low"] != report(observed)[key]["low"]


def test_shuffled_labels_give_an_interval_around_zero() -> None:
    for level in ("nominal", "ordinal"):
        record = report(coin_toss(300, seed=2))[level, "krippendorff_alpha"]
        assert record["low"] < 0 < record["high"]
        assert record["high"] - record["low"] < 0.2


def test_the_interval_of_a_share_is_as_wide_as_theory_says() -> None:
    share = Share(np.repeat([1.0, 0.0], 200), np.ones(400))
    drawn = resample_sums(share.columns, task_keys(share.columns, seed=0), resamples=4000)
    low, high = percentile_interval(share.combine(drawn), confidence=0.95)
    assert (high - low) / 2 == pytest.approx(1.96 * 0.5 / 20, rel=0.06)


def test_whole_tasks_are_drawn_not_single_units() -> None:
    times_as_wide = []
    for seed in range(6):
        generator = np.random.default_rng(seed)
        level = np.repeat(generator.normal(size=20), 10)
        values = level + generator.normal(size=(2, 200))
        task = np.tile(np.repeat(np.arange(20), 10), 2)
        unit, annotator = np.tile(np.arange(200), 2), np.repeat([0, 1], 200)
        by_task, by_unit = (
            report(ScoreObservations("x", drawn, unit, annotator, values.ravel()))["interval", "krippendorff_alpha"]
            for drawn in (task, unit)
        )
        assert by_task["value"] == pytest.approx(by_unit["value"])
        times_as_wide.append((by_task["high"] - by_task["low"]) / (by_unit["high"] - by_unit["low"]))
    assert np.mean(times_as_wide) > 1.5


def test_memory_bounded_chunks_give_the_same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = report(coin_toss(30, seed=5))
    monkeypatch.setattr("annotation.agreement.bootstrap.TASKS_AT_ONCE", 7)
    monkeypatch.setattr("annotation.agreement.bootstrap.CELLS_AT_ONCE", 30 * 7)
    for key, record in report(coin_toss(30, seed=5)).items():
        assert [record[name] for name in ("value", "low", "high")] == pytest.approx(
            [whole[key][name] for name in ("value", "low", "high")], abs=1e-12
        )


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        ([], "nothing was judged by two"),
        ([("t1", "a", 0), ("t2", "b", 2)], "nothing was judged by two"),
        ([("t1", "a", 0), ("t1", "b", 2), ("t2", "b", 2)], "only one unit"),
    ],
)
def test_too_little_overlap_says_so(rows: list, part: str) -> None:
    for record in report(pairs(rows)).values():
        assert (record["value"], record["low"], record["high"]) == (None, None, None)
        assert part in record["note"]


def test_one_choice_by_all_is_undefined_for_alpha_and_full_agreement_in_shares() -> None:
    found = report(pairs([(f"t{task}", person, 0) for task in range(5) for person in "ab"]))
    assert found["nominal", "krippendorff_alpha"]["value"] is None
    assert "all judgments say the same" in found["nominal", "krippendorff_alpha"]["note"]
    agreement = found["nominal", "pairwise_agreement"]
    # Five tasks of five prove little: Wilson's lower end is 5 / (5 + 1.96^2).
    assert (agreement["value"], agreement["low"], agreement["high"]) == (1, pytest.approx(5 / 8.8415, abs=1e-4), 1)
    assert "Wilson" in agreement["method"]


def test_ties_only_have_no_ceiling() -> None:
    record = report(pairs([(f"t{task}", person, 1) for task in range(5) for person in "ab"]))
    assert "no strict choice" in record["nominal", "leave_one_out_accuracy"]["note"]


def test_one_task_has_a_value_but_no_interval() -> None:
    one = ScoreObservations(
        "x", np.array([1] * 4), np.array([1, 1, 2, 2]), np.array([1, 2, 1, 2]), np.array([1.0, 1, 2, 3])
    )
    record = report(one)["interval", "krippendorff_alpha"]
    assert record["value"] is not None
    assert record["low"] is None
    assert "belongs to one task" in record["note"]


def test_an_interval_that_most_resamples_leave_undefined_is_not_given() -> None:
    assert percentile_interval(np.array([np.nan, np.nan, 0.5]), confidence=0.95) is None


def test_a_rare_value_can_leave_resamples_undefined_without_spoiling_the_interval() -> None:
    rows = [(f"t{task}", person, 1.0) for task in range(8) for person in "ab"]
    record = report(scores([*rows, ("t8", "a", 2.0), ("t8", "b", 2.0)]))["nominal", "krippendorff_alpha"]
    assert (record["value"], record["low"], record["high"]) == (1, 1, 1)


def test_rankings_report_distance_tau_and_choices() -> None:
    rows = [(task, person, response, rank) for task in range(6) for person in range(2)
            for response, rank in enumerate([1, 2, 3] if task else [3, 1, 2][:: 1 - 2 * person])]  # fmt: skip
    found = report(RankingObservations(*(np.array(column) for column in zip(*rows, strict=True))))
    assert {record["criterion"] for record in found.values()} == {"ranking"}
    assert found["rank", "kendall_tau_b"]["value"] == pytest.approx(found["rank", "krippendorff_alpha"]["value"])
    assert found["nominal", "pairwise_agreement"]["judgments"] == 12


def test_no_number_is_nan() -> None:
    for record in report(pairs([("t1", "a", 0), ("t1", "b", 0), ("t2", "a", 1), ("t2", "b", 1)])).values():
        assert all(record[name] is None or np.isfinite(record[name]) for name in ("value", "low", "high"))


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: scores([("u", "a", float("nan"))]), "helpful: every value must be finite"),
        (lambda: pairs([("t", "a", 3)]), "0 .first., 1 .tie. or 2"),
        (lambda: PairObservations(np.array([1]), np.array([1, 2]), np.array([0])), "equally long"),
    ],
)
def test_wrong_observations_are_refused(make, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        make()


def renamed(observed: PairObservations, seed: int) -> PairObservations:
    """Other names for tasks and people, which come in another order."""
    generator = np.random.default_rng(seed)
    tasks, people = np.unique(observed.task_id), np.unique(observed.annotator_id)
    task = generator.permutation(len(tasks))[np.searchsorted(tasks, observed.task_id)]
    person = generator.permutation(len(people))[np.searchsorted(people, observed.annotator_id)]
    order = generator.permutation(len(task))
    return PairObservations(task[order], person[order], observed.value[order])


@pytest.mark.parametrize("seed", range(3))
def test_names_of_tasks_and_people_change_neither_values_nor_intervals(seed: int) -> None:
    observed = coin_toss(25, seed=seed)
    whole, other = report(observed), report(renamed(observed, seed))
    for key, record in whole.items():
        for name in ("value", "low", "high", "units", "annotators", "judgments", "dropped", "note", "method"):
            expected = (
                pytest.approx(other[key][name], abs=1e-9) if name in ("value", "low", "high") else other[key][name]
            )
            assert record[name] == expected, (key, name)


def test_every_chance_corrected_number_of_shuffled_choices_has_an_interval_around_zero() -> None:
    """Nobody's third choice has to do with anybody else's."""
    for (level, name), record in report(coin_toss(400, seed=11), resamples=1000).items():
        if name in ("krippendorff_alpha", "fleiss_kappa", "cohen_kappa", "gwet_ac1", "gwet_ac2"):
            assert record["low"] < 0 < record["high"], (level, name)


def test_perfect_scores_agree_fully_in_every_statistic() -> None:
    truth = np.random.default_rng(0).permutation(np.repeat(np.arange(1.0, 6.0), 8))
    unit, person = np.tile(np.arange(40), 3), np.repeat([0, 1, 2], 40)
    found = report(ScoreObservations("clear", unit // 4, unit, person, np.tile(truth, 3)))
    assert len(found) == 22
    assert {key: record["value"] for key, record in found.items()} == dict.fromkeys(found, pytest.approx(1))


def test_a_sparse_crowd_of_thousands_has_a_reason_where_it_has_no_number() -> None:
    generator = np.random.default_rng(5)
    unit = np.repeat(np.arange(3000), 2)
    person = generator.permutation(6000)
    value = np.repeat(generator.integers(1, 6, 3000), 2) + generator.integers(0, 2, 6000)
    found = report(ScoreObservations("clear", unit, unit, person, value.astype(float)), resamples=50)
    assert found["interval", "krippendorff_alpha"]["value"] > 0.8
    assert found["interval", "icc2"]["note"].startswith("Left out: ICC(2) and ICC(3) are for panels")
    assert found["nominal", "cohen_kappa"]["note"].startswith("Left out: Cohen's kappa is for small groups")
    assert (
        found["rank", "kendall_w"]["note"]
        == "Undefined: no two annotators scored the same two responses to one prompt."
    )
    assert all(record["value"] is not None or record["note"] for record in found.values())


def test_each_number_says_how_its_interval_was_found() -> None:
    rows = [
        (f"u{unit}", f"p{person}", float(value))
        for unit, row in enumerate(SHROUT_FLEISS_1979)
        for person, value in enumerate(row)
    ]
    found = report(scores(rows))
    assert found["interval", "icc2"]["method"] == "F distribution (Shrout and Fleiss 1979)"
    assert found["nominal", "fleiss_kappa"]["method"] == "linearised over tasks, Student's t"
    assert found["interval", "krippendorff_alpha"]["method"] == (
        "cluster bootstrap over tasks, 200 Poisson resamples, seed 0, BCa interval with small-sample tails"
    )
