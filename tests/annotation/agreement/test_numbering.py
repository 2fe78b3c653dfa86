import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.agreement.numbering import number_ids


def same_as_sorting(ids: np.ndarray) -> None:
    distinct, number = number_ids(ids)
    expected, places = np.unique(ids, return_inverse=True)
    np.testing.assert_array_equal(distinct, expected)
    np.testing.assert_array_equal(number, places)
    assert distinct.dtype == ids.dtype


@given(st.lists(st.integers(-50, 900)), st.sampled_from([np.int64, np.int32, np.float64]))
def test_narrow_whole_numbers(ids: list[int], kind: type) -> None:
    same_as_sorting(np.array(ids, kind))


@given(st.lists(st.floats(-1e300, 1e300)))
def test_any_floats(ids: list[float]) -> None:
    same_as_sorting(np.array(ids, float))


@pytest.mark.parametrize(
    "ids",
    [
        np.array(["b", "a", "b"]),
        np.array([2**60, 0, 2**60 + 1]),
        np.array([1.0, 1.5, 1.0]),
        np.array([3, 3], np.uint64),
        np.array([-0.0, 0.0]),
    ],
)
def test_text_wide_numbers_and_fractions(ids: np.ndarray) -> None:
    same_as_sorting(ids)
