import pytest

from annotation.services import turns
from annotation.services.turns import within_turn


def test_a_turn_begins_nothing_once_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(turns, "perf_counter", lambda: now[0])
    done = []
    for each in within_turn("abcd", seconds=3.0):
        done.append(each)
        now[0] += 2.0
    # The second is begun within the turn, and ends after it.
    assert done == ["a", "b"]


def test_what_is_due_in_time_is_all_done() -> None:
    assert list(within_turn([1, 2, 3], seconds=60.0)) == [1, 2, 3]
    assert list(within_turn([], seconds=60.0)) == []
