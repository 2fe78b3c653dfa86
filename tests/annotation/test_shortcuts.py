import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.kinds.faults import AnswerError
from annotation.shortcuts import DEFAULTS, KEYS, check, resolve


def test_defaults_are_free_of_clashes_and_within_the_list() -> None:
    assert len(set(DEFAULTS.values())) == len(DEFAULTS)
    assert set(DEFAULTS.values()) <= set(KEYS)


def test_letters_that_jump_are_no_keys() -> None:
    assert not set("abcdefghi0123456789") & set(KEYS)


def test_only_what_differs_is_kept() -> None:
    assert check({"skip": "shift+k", "flag": DEFAULTS["flag"]}) == {"skip": "shift+k"}


def test_two_actions_may_swap_their_keys() -> None:
    swapped = {"skip": DEFAULTS["flag"], "flag": DEFAULTS["skip"]}
    assert check(swapped) == swapped


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"explode": "x"}, "explode"),
        ({"skip": "<script>alert(1)</script>"}, "skip"),
        ({"skip": 7}, "skip"),
        ({"skip": "a"}, "skip"),
        ({"unrank": DEFAULTS["bad"]}, "unrank"),
    ],
)
def test_everything_else_is_refused_by_name(wanted: dict[str, object], field: str) -> None:
    with pytest.raises(AnswerError) as raised:
        check(wanted)
    assert [fault["field"] for fault in raised.value.faults] == [field]


@given(st.dictionaries(st.sampled_from(list(DEFAULTS)), st.sampled_from(KEYS)))
def test_what_is_taken_comes_back_the_same(wanted: dict[str, object]) -> None:
    try:
        kept = check(wanted)
    except AnswerError:
        return
    assert resolve(kept) == {**DEFAULTS, **wanted}
    assert len(set(resolve(kept).values())) == len(DEFAULTS)


def test_stored_codes_of_another_version_are_passed_over() -> None:
    assert resolve({"gone": "x", "skip": "no-key"}) == DEFAULTS


@given(st.dictionaries(st.sampled_from(list(DEFAULTS)), st.sampled_from(KEYS)))
def test_no_key_ever_means_two_things(stored: dict[str, str]) -> None:
    """What somebody chose before an action existed may be that action's usual key: the choice stands."""
    unlike = {action: key for action, key in stored.items() if list(stored.values()).count(key) == 1}
    found = resolve(unlike)
    assert len(set(found.values())) == len(DEFAULTS)
    assert unlike.items() <= found.items()
