from hypothesis import given
from hypothesis import strategies as st

from annotation.web.text_diff import Change, compare_texts


def test_words_within_a_line() -> None:
    found = compare_texts("Be kind.\nRank by help.\n", "Be kind.\nRank by truth.\n")
    assert found == [
        Change("same", "Be kind.\nRank by "), Change("removed", "help"), Change("added", "truth"), Change("same", ".\n")
    ]  # fmt: skip


def test_long_passages_are_shown_whole() -> None:
    old, new = "a b " * 1500, "c d " * 1500
    assert compare_texts(old, new) == [Change("removed", old), Change("added", new)]


@given(st.text(alphabet="ab \n.", max_size=60), st.text(alphabet="ab \n.", max_size=60))
def test_the_pieces_give_both_texts_again(old: str, new: str) -> None:
    changes = compare_texts(old, new)
    assert "".join(each.text for each in changes if each.kind != "added") == old
    assert "".join(each.text for each in changes if each.kind != "removed") == new
