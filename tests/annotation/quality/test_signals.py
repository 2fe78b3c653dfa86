from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.quality.signals import AS_SHOWN, LONGEST_ROW, SAME_PLACE, Habits, habits_after, is_too_fast, row_signals

SHOWN = "abcd"


def strict(order: str, shown: str = SHOWN) -> tuple[list[str], list[list[str]]]:
    return list(shown), [[key] for key in order]


@pytest.mark.parametrize(
    ("active_ms", "characters", "fast"),
    [(9_999, 1_000, True), (10_000, 1_000, False), (None, 1_000, False), (0, 0, False), (0, 1, True)],
)
def test_faster_than_reading_is_too_fast(active_ms: int | None, characters: int, fast: bool) -> None:
    assert is_too_fast(active_ms, characters=characters) is fast


def test_the_order_shown_five_times_in_a_row_is_noted() -> None:
    assert row_signals([strict("abcd")] * 4) == []
    assert row_signals([strict("abcd")] * 5) == [AS_SHOWN]
    assert row_signals([strict("abcd")] * 4 + [strict("bacd")] + [strict("abcd")] * 9) == []
    tied = (list(SHOWN), [["a"], ["b", "c"], ["d"]])
    assert row_signals([tied] * 9) == [SAME_PLACE], "a tie is not the order shown, but a is always first"


def test_pairs_need_a_longer_row_for_they_agree_by_chance() -> None:
    assert row_signals([strict("ab", "ab")] * 9) == []
    assert row_signals([strict("ab", "ab")] * 10) == [AS_SHOWN]
    assert row_signals([strict("ba", "ab")] * 10) == []
    assert row_signals([strict("ba", "ab")] * LONGEST_ROW) == [SAME_PLACE]


def test_always_the_same_place_is_noted_whatever_stands_there() -> None:
    row = [strict("cabd", "abcd"), strict("adbc", "bdac"), strict("dabc", "abdc"), strict("cbad", "abcd")]
    assert row_signals(row + row) == [SAME_PLACE]
    assert row_signals(row + [strict("abcd")] * 4) == []


def test_unknown_order_ties_and_nothing_are_no_sign() -> None:
    assert row_signals([]) == []
    assert row_signals([([], [["a"], ["b"]])] * 12) == []
    assert row_signals([(["a", "b"], [["a", "b"]])] * 12) == []


def alike(seen: Any) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.just(seen), max_size=LONGEST_ROW - 1)


ROWS = st.lists(
    st.integers(2, 5).flatmap(
        lambda count: st.tuples(
            st.just([str(number) for number in range(count)]),
            st.permutations([[str(number)] for number in range(count)])
            | st.just([[str(number)] for number in range(count)]),
        )
    ),
    max_size=LONGEST_ROW - 1,
)


@given(
    ROWS | st.lists(st.just(strict("abcd")), max_size=10) | st.lists(st.just(strict("bacd")), max_size=10),
    st.integers(2, 9),
)
def test_habits_foretell_what_the_next_ranking_is_noted_for(earlier: list[Any], count: int) -> None:
    habits = habits_after(earlier)
    shown = [str(number) for number in range(count)]
    as_shown = row_signals([(shown, [[key] for key in shown]), *earlier])
    assert (AS_SHOWN in as_shown) is (habits.as_shown_from is not None and count >= habits.as_shown_from)
    for place in range(count):
        others = [key for key in shown if key != shown[place]]
        noted = row_signals(
            [(shown, [[shown[place]], others[::-1]] if count > 2 else [[shown[place]], others]), *earlier]
        )
        foretold = place == habits.place and habits.place_from is not None and count >= habits.place_from
        assert (SAME_PLACE in noted) is (foretold and AS_SHOWN not in noted)


def test_habits_of_nothing_foretell_nothing() -> None:
    assert habits_after([]) == Habits(None, None, None)
    assert habits_after([strict("abcd")] * 4) == Habits(as_shown_from=2, place=0, place_from=None)
    assert habits_after([strict("bacd")] * 5) == Habits(as_shown_from=None, place=1, place_from=2)
