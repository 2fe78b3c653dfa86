import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.quality.wilson import wilson_share


# Newcombe 1998, Stat. Med. 17, 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_the_published_one(successes: int, count: int, low: float, high: float) -> None:
    share = wilson_share(successes, count)
    assert (share.low, share.high) == pytest.approx((low, high), abs=5e-5)
    assert share.value == successes / count


def test_without_a_value_there_is_none() -> None:
    share = wilson_share(0, 0)
    assert (share.value, share.low, share.high, share.count) == (None, None, None, 0)


@pytest.mark.parametrize(("total", "count"), [(3, 2), (-1, 2), (0, -1)])
def test_what_cannot_be_is_refused(total: float, count: int) -> None:
    with pytest.raises(ValueError, match="cannot add up"):
        wilson_share(total, count)


@given(st.integers(1, 400), st.floats(0, 1), st.integers(1, 9))
def test_the_interval_holds_the_share_and_turns_with_it(count: int, part: float, looks: int) -> None:
    share, mirror = wilson_share(part * count, count, looks=looks), wilson_share((1 - part) * count, count, looks=looks)
    assert share.value is not None
    assert share.low is not None
    assert share.high is not None
    assert mirror.high is not None
    assert 0 <= share.low <= share.value + 1e-12
    assert share.value <= share.high + 1e-12 <= 1 + 1e-9
    assert share.low == pytest.approx(1 - mirror.high, abs=1e-9)
    if looks > 1:
        plain = wilson_share(part * count, count)
        assert plain.low is not None
        assert share.low <= plain.low + 1e-12
