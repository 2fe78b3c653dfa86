"""Judgments as aligned ladders."""

from annotation.web.ladders import build_ladder, letters_of


def test_ties_share_a_rung_and_short_ladders_are_filled_up() -> None:
    ladder = build_ladder([["y"], ["z", "x"]], ["x", "z"], {"x": "A", "y": "B", "z": "C"}, width=3)
    assert [rung.letters for rung in ladder] == [["B"], ["A", "C"], []]
    assert [rung.is_bad for rung in ladder] == [False, True, False]


def test_letters_follow_the_stored_order() -> None:
    assert letters_of(["q", "a"]) == {"q": "A", "a": "B"}
