"""The arithmetic of the board: hours, paces and when the rest will be there."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from annotation.pace import estimate_finish, fill_hours

NOW = datetime(2026, 3, 1, 12, 40, 5, tzinfo=UTC)


def test_what_is_left_takes_its_share_of_the_pace() -> None:
    found = estimate_finish(wanted=300, given=100, hours=1, now=NOW)
    assert found is not None
    assert found.at == NOW + timedelta(hours=3)
    # 100 arrivals are known to within 1.96 * 10.
    assert found.earliest is not None
    assert found.latest is not None
    assert found.earliest == NOW + timedelta(hours=300 / 119.59964)
    assert found.latest == NOW + timedelta(hours=300 / 80.40036)


def test_few_judgments_give_a_time_without_a_range() -> None:
    found = estimate_finish(wanted=9, given=3, hours=24, now=NOW)
    assert found is not None
    assert (found.at, found.earliest, found.latest) == (NOW + timedelta(hours=72), None, None)


def test_no_pace_tells_no_time_and_no_work_is_done_now() -> None:
    assert estimate_finish(wanted=5, given=0, hours=1, now=NOW) is None
    finished = estimate_finish(wanted=0, given=0, hours=1, now=NOW)
    assert finished is not None
    assert finished.at == NOW


@given(wanted=st.integers(1, 10**12), given_=st.integers(1, 10**6), hours=st.floats(0.1, 1000))
def test_the_range_holds_the_time_and_never_overflows(wanted: int, given_: int, hours: float) -> None:
    found = estimate_finish(wanted=wanted, given=given_, hours=hours, now=NOW)
    assert found is not None
    if found.earliest is not None and found.latest is not None:
        assert NOW < found.earliest <= found.at <= found.latest


def test_hours_without_a_judgment_count_nought() -> None:
    hour = NOW.replace(minute=0, second=0)
    found = fill_hours({hour: 4, hour - timedelta(hours=2): 1, hour - timedelta(hours=9): 7}, now=NOW, hours=3)
    assert [each.judgments for each in found] == [0, 1, 0, 4]
    assert found[0].start == hour - timedelta(hours=3)
