"""Judgments as aligned ladders."""

from annotation.web.ladders import Place, align_ladders, build_ladder, letters_of


def test_ties_share_a_rung_and_short_ladders_are_filled_up() -> None:
    ladder = build_ladder([["y"], ["z", "x"]], ["x", "z"], {"x": "A", "y": "B", "z": "C"}, width=3)
    assert [rung.letters for rung in ladder] == [["B"], ["A", "C"], []]
    assert [rung.is_bad for rung in ladder] == [False, True, False]


def test_letters_follow_the_stored_order() -> None:
    assert letters_of(["q", "a"]) == {"q": "A", "a": "B"}


def test_places_stand_beside_each_other() -> None:
    answers = [{"tiers": [["b"], ["a", "c"]], "bad": ["a", "c"]}, {"tiers": [["a"], ["b"]], "bad": []}]
    steps = align_ladders(answers, letters_of(["a", "b", "c"]))
    assert [step.letter for step in steps] == ["A", "B", "C"]
    assert steps[0].places == [Place(2, is_tied=True, is_bad=True), Place(1)]
    assert steps[2].places == [Place(2, is_tied=True, is_bad=True), Place(None)]
    # a: (2.5 + 1) / 2, b: (1 + 2) / 2, c: 2.5 alone
    assert [step.mean_rank for step in steps] == [1.75, 1.5, 2.5]
    assert align_ladders([], letters_of(["a"]))[0].mean_rank is None
