import pytest

from rltrainer.rewards.choices import final_choice, read_choices
from rltrainer.rewards.time_limit import time_limit

CITIES = ["Paris", "Rome", "New York", "Oslo"]


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("(C)", "C"),
        ("**D**", "D"),
        ("B. Rome", "B"),
        ("A) Paris", "A"),
        ("Let me think.\n\nAnswer: C", "C"),
        ("The answer is (B).", "B"),
        ("the correct answer is option D, since it is cold", "D"),
        ("First I thought the answer is A. No: the answer is C.", "C"),
        (r"so $\boxed{B}$", "B"),
        (r"\boxed{\text{D}}", "D"),
        ("I choose B because Rome is old.", "B"),
        ("Final answer: **Rome**", "B"),
        ("The answer is New York.", "C"),
        ("oslo", "D"),
        ("It must be (B), as everybody knows, and nothing else.", "B"),
        ("The answer is a city in France.", None),
        ("A good question. I have no idea.", None),
        ("The answer is B or C.", None),
        ("The answer is (A) and (B).", None),
        ("Either (A) or (B) it may be", None),
        ("", None),
        ("The answer is Z.", None),
        ("The answer is E.", None),
        ("the answer is (b).", "B"),
        ("The answer is: B) Rome", "B"),
        (r"\boxed{\text{(C)}}", "C"),
        ("Answer: A because it is old", "A"),
        ("Answer: A\n\nExplanation: it is old", "A"),
        ("Answer: B\nParis is far off.", "B"),
        ("The answer is B. Paris is not in Italy.", "B"),
        ("The answer is (B) Rome, not (A) Paris.", "B"),
        ("The answer is B and not C.", "B"),
        ("The correct answer is **B) Rome**.", "B"),
        ("The answer\nis\n\n(B)", "B"),
        ("It isn't (A), so it is (B).", "B"),
        ("I choose (A).", "A"),
        ("A) Paris: no.\nB) Rome: no.\n\nA) Paris", "A"),
        ("(b)", "B"),
        ("**(b)**.", "B"),
        ("(b) Rome", "B"),
        ("[b]", "B"),
        ("It must be (b), as everybody knows.", "B"),
        ("B is the correct answer", "B"),
        ("Rome is old. So option B is correct.", "B"),
        ("**(b)** is the best choice because it is old", "B"),
        ("The answer is A.\nB is the correct answer.", "B"),
        ("B is the correct answer.\nNo: the answer is C.", "C"),
        ("Option B", "B"),
        ("**Option (b)**", "B"),
        ("Option B: Rome", "B"),
        ("Choice: B", "B"),
        ("**Choice:** Rome", "B"),
        ("My final choice: B.", "B"),
        ("The correct option is B", "B"),
        ("The right option is B.", "B"),
        ("The answer is B, i.e. Rome", "B"),
        ("The answer is B or a city nearby", "B"),
    ],
)
def test_the_option_that_is_settled_on(text, letter):
    assert final_choice(text, CITIES) == letter


@pytest.mark.parametrize(
    "text",
    [
        "Answer: A good question, but who knows",
        "An answer",
        "The answer is not (B).",
        "The wrong answer is (B).",
        "The incorrect answer is B.",
        "You should not choose B.",
        "I don't choose B",
        "Answer B is wrong.",
        "(B) is not right",
        "(B) is wrong",
        "The answer is B (or C).",
        "The answer is (b) or (c).",
        "The answer is B & C",
        "The answer is B | C",
        "The answer is B or maybe C.",
        r"\boxed{B \text{ or } C}",
        "The answer is Paris or Rome.",
        "The answer is Paris, Rome",
        "The answer is B. Paris",
        "The answer is (B) Paris",
        "A) Paris B) Rome C) New York D) Oslo",
        "A. Paris\nB. Rome\nC. New York\nD. Oslo",
        "b",
        "Option b",
        "f(b) is all that I know",
        "(a) Paris (b) Rome (c) New York (d) Oslo",
        "(a) Paris\n(b) Rome\n(c) New York\n(d) Oslo",
        "(b) or (c)",
        "(b) or maybe c",
        "(B) or maybe C",
        "(B) Paris",
        "(b) is wrong",
        "not (b)",
        "A or B is the correct answer",
        "I doubt that B is the correct answer.",
        "Maybe B is correct.",
        "B is the correct answer?",
        "B is the correct answer, or C",
        "B is the correct answer. Or C.",
        "B is correct only on Mondays",
        "B is not the correct answer",
        "B is the wrong answer",
        "B is correct. C is correct.",
        "Option B or C",
        "Option A\nOption B",
        "Option A: Paris\nOption B: Rome",
        "Option B: Paris",
        "Option B is wrong",
        "Option B: this one is wrong",
        "Wrong option: B",
        "The wrong option is B",
        "A\nB",
        "\u200b",
    ],
)
def test_nothing_is_settled_on_where_an_answer_hedges_denies_or_lists(text):
    assert final_choice(text, CITIES) is None


def test_words_of_one_letter_are_no_options():
    assert final_choice("The answer I choose is B") is None
    assert final_choice("The answer is B, I think.") == "B"
    assert final_choice("Answer: I") == "I"


def test_an_option_of_signs_alone_is_no_empty_answer():
    assert final_choice("", ["*", "+"]) is None
    assert final_choice("**", ["*", "+"]) is None
    assert final_choice("+", ["*", "+"]) == "B"


def test_an_option_that_begins_like_a_choice_is_known_by_its_text():
    assert final_choice("Option A", ["Option B", "Option A"]) == "B"
    assert final_choice("Choice theory", ["Game theory", "Choice theory"]) == "B"


def test_letters_without_options_go_to_j():
    assert final_choice("Answer: J") == "J"
    assert final_choice("Answer: K") is None


def test_the_right_letter_may_be_given_as_the_option():
    assert read_choices({"answer": "Rome", "choices": CITIES}) == ("B", tuple(CITIES))
    assert read_choices({"answer": " c "}) == ("C", ())


def test_the_longer_option_is_the_one_that_was_named():
    options = ["New York", "New York City", "York"]
    assert final_choice("The answer is New York City.", options) == "B"
    assert final_choice("The answer is New  York", options) == "A"


SENTENCES = ["(b) ", "B is correct. ", "B is correct\n", "Option ", "my option B", "B is the best "]


@pytest.mark.parametrize(
    "filler", [" ", "\n", "*", "(", "answer ", "answer is (", "A", "correct ", "\\boxed{", "(A) ", *SENTENCES]
)
def test_no_answer_takes_long_to_read(filler):
    with time_limit(5):
        final_choice("The answer is" + filler * 20_000 + "x", CITIES)
        final_choice(filler * 20_000, CITIES)


@pytest.mark.parametrize(
    ("metadata", "fault"),
    [
        ({}, "metadata.answer: expected a letter"),
        ({"answer": 2}, "metadata.answer: expected a letter"),
        ({"answer": "E", "choices": CITIES}, r"metadata.answer: expected a letter \(A to D\)"),
        ({"answer": "A", "choices": "Paris"}, "metadata.choices: expected a list"),
        ({"answer": "A", "choices": ["Paris"]}, "metadata.choices: expected 2 to 26"),
        ({"answer": "A", "choices": ["Paris", ""]}, "metadata.choices: expected a list"),
        ({"answer": "A", "choices": ["Rome", "Oslo", "rome "]}, "metadata.choices: 'rome ' is there twice"),
        ({"answer": "A", "choices": ["B", "A"]}, "metadata.answer: 'A' is a letter and the text of option B; give 'B'"),
    ],
)
def test_metadata_that_cannot_be_used_is_named(metadata, fault):
    with pytest.raises(ValueError, match=fault):
        read_choices(metadata)
