from hypothesis import given
from hypothesis import strategies as st

from annotation.allocation import shown_order
from annotation.quality.drawing import draw_silent, own_slot_numbers


def test_shares_of_luck_become_rates() -> None:
    drawn = [draw_silent((number + 0.5) / 1000, gold_rate=0.05, repeat_rate=0.02) for number in range(1000)]
    assert [drawn.count(each) for each in ("gold", "repeat", None)] == [50, 20, 930]
    assert draw_silent(0.0, gold_rate=0.0, repeat_rate=0.0) is None


@given(st.integers(0, 500), st.integers(1, 9), st.integers(1, 12))
def test_own_slots_show_only_orders_that_normal_ones_show(highest: int, responses: int, overlap: int) -> None:
    keys = "abcdefghi"[:responses]
    normal = {tuple(shown_order(keys, task_id=3, slot_number=number)) for number in range(1, overlap + 1)}
    numbers = own_slot_numbers(highest=highest, responses=responses, overlap=overlap)
    assert {tuple(shown_order(keys, task_id=3, slot_number=number)) for number in numbers} == normal
    assert min(numbers) > highest
