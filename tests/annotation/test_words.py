from hypothesis import given
from hypothesis import strategies as st

from annotation.words import LONGEST_WORD, MOST_WORDS, index_words, search_query


def test_words_are_cut_at_what_is_no_letter_or_digit() -> None:
    assert index_words(["It's 9.11, naïve_word!", "IT"]) == ["11", "9", "it", "naïve", "s", "word"]


def test_scripts_without_spaces_give_characters_and_pairs() -> None:
    assert index_words(["为什么sky"]) == sorted(["sky", "为", "为什", "什", "什么", "么"])
    assert search_query("什么 Sk") == "'什么' & 'sk':*"
    assert search_query("什") == "'什'"


def test_a_query_holds_no_operator() -> None:
    assert search_query("a' | !b:* & (c)") == "'a':* & 'b':* & 'c':*"
    assert search_query("' & |") == ""


@given(st.text())
def test_every_text_finds_itself(text: str) -> None:
    words = set(index_words([text]))
    for term in filter(None, search_query(text).split(" & ")):
        word, _, prefix = term.partition("':")
        word = word.strip("'")
        assert any(each.startswith(word) for each in words) if prefix else word in words


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_cut_as_all_else_is(text: str) -> None:
    assert index_words([text]) == [word for word in index_words([text + " é"]) if word != "é"]


def test_the_index_of_an_endless_text_is_bounded() -> None:
    words = index_words([" ".join(str(number) for number in range(MOST_WORDS + 9)), "x" * 999])
    assert len(words) == MOST_WORDS
    assert max(map(len, words)) <= LONGEST_WORD
