from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from annotation.allocation import shown_order

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
