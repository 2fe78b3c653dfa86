from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from annotation.allocation import Evidence, rank_people, shown_order, spread, waiting_seconds

KEYS = st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=9)


@given(KEYS, st.integers(1, 10**9))
def test_each_response_stands_at_each_position_once(keys: list[str], task_id: int) -> None:
    orders = [shown_order(keys, task_id=task_id, slot_number=slot) for slot in range(1, len(keys) + 1)]
    assert all(sorted(order) == sorted(keys) for order in orders)
    for position in range(len(keys)):
        assert len({order[position] for order in orders}) == len(keys)


@given(KEYS, st.integers(1, 10**9), st.integers(1, 60))
def test_the_order_hangs_on_task_and_slot_alone(keys: list[str], task_id: int, slot: int) -> None:
    order = shown_order(keys, task_id=task_id, slot_number=slot)
    assert order == shown_order(keys[::-1], task_id=task_id, slot_number=slot)
    assert order == shown_order(keys, task_id=task_id, slot_number=slot + len(keys))


def test_tasks_begin_with_different_responses() -> None:
    firsts = Counter(shown_order("ab", task_id=task, slot_number=1)[0] for task in range(1000))
    assert 440 < firsts["a"] < 560


def test_no_responses_give_no_order() -> None:
    assert shown_order([], task_id=1, slot_number=1) == []


@given(st.integers(2, 9), st.integers(1, 60), st.integers(1, 10**9))
def test_positions_are_balanced_at_any_overlap(responses: int, overlap: int, task_id: int) -> None:
    """No response stands at a position more than once oftener than another, and exactly alike over whole rounds."""
    keys = [f"r{number}" for number in range(responses)]
    orders = [shown_order(keys, task_id=task_id, slot_number=slot) for slot in range(1, overlap + 1)]
    for position in range(responses):
        counts = Counter(dict.fromkeys(keys, 0)) + Counter(order[position] for order in orders)
        seen = [counts[key] for key in keys]
        assert max(seen) - min(seen) <= 1
        if overlap % responses == 0:
            assert set(seen) == {overlap // responses}


def test_over_many_tasks_each_response_is_as_often_first() -> None:
    """With fewer slots than responses the tasks' base orders make up for what one task cannot balance."""
    counts = Counter(
        shown_order("abcd", task_id=task, slot_number=slot)[0] for task in range(2000) for slot in (1, 2, 3)
    )
    assert all(abs(counts[key] - 1500) < 150 for key in "abcd"), counts


def test_belief_counts_gold_three_times() -> None:
    assert Evidence(agreed=8, compared=10, gold_right=2, gold_asked=3).belief() == (7 + 8 + 6, 3 + 2 + 3)


def test_the_best_measured_come_first_nearly_always_and_the_unknown_now_and_then() -> None:
    evidence = {"good": Evidence(180, 200), "poor": Evidence(110, 200), "new": Evidence()}
    draws = [rank_people(evidence, generator=Random(seed)) for seed in range(400)]
    assert all(standing["good"] < standing["poor"] for standing in draws)
    first = Counter(min(standing, key=lambda person: standing[person]) for standing in draws)
    assert 0.02 < first["new"] / 400 < 0.25 and first["good"] > 300
    assert all(sorted(standing.values()) == [0, 1 / 3, 2 / 3] for standing in draws)


def test_nobody_waits_before_anything_is_measured() -> None:
    assert rank_people({1: Evidence(), 2: Evidence()}, generator=Random(0)) == {1: 0.0, 2: 0.0}
    assert rank_people({}, generator=Random(0)) == {}
    assert waiting_seconds(0.5, widen_seconds=3600) == 1800


@given(st.text())
def test_spread_is_fixed_and_inside_0_to_1(name: str) -> None:
    assert 0 <= spread(name) < 1
    assert spread(name) == spread(name)


def test_spread_is_even() -> None:
    tenths = Counter(int(10 * spread(f"q-{number}")) for number in range(5000))
    assert all(abs(tenths[tenth] - 500) < 120 for tenth in range(10)), tenths
