import random

import pytest

from rltrainer.rewards import text_counts
from rltrainer.rewards.instruction_checks import CHECKS
from rltrainer.rewards.instructions import follows_instructions, parse_instructions
from rltrainer.rewards.time_limit import time_limit
from tests.rltrainer.rewards.answers import make_answer

# Every check with arguments, a text that passes and one that does not.
CASES = [
    ("words", {"exactly": 3}, "one two three", "one two"),
    ("words", {"at_most": 4}, "It's a well-known fact", "It is a well known fact"),
    ("words", {"exactly": 4}, "你好世界", "你好"),
    ("sentences", {"at_least": 2}, "It is 3.5 m. Really?", "It is 3.5 m."),
    ("sentences", {"exactly": 2}, "你好。再见！", "你好。"),
    ("paragraphs", {"exactly": 2}, "a\n\nb", "a\nb"),
    ("paragraphs", {"exactly": 1}, "a\n\n\u200b", "a\n\n."),
    ("lines", {"exactly": 1}, "a\n\ufeff", "a\nb"),
    ("separated", {"marker": "|", "exactly": 1}, "a|\u2060", "a|b"),
    ("letter", {"letter": "\u00e9", "exactly": 1}, "e\u0301", "e"),
    ("lines", {"exactly": 2}, "a\n\nb\n", "a"),
    ("characters", {"at_most": 5}, " hello ", "hello!"),
    ("bullets", {"exactly": 2}, "List:\n* a\n- b", "* a\n*b*"),
    ("bullets", {"at_least": 2}, "1. a\n2) b", "1.5 is a number"),
    ("placeholders", {"at_least": 1}, "Dear [name]", "Dear []"),
    ("highlights", {"exactly": 2}, "*one* and **two**", "* one\n* two"),
    ("capital_words", {"at_least": 2}, "STOP it NOW", "I am A B"),
    ("include", {"words": ["apple", "Ice cream"]}, "An APPLE with ice cream.", "pineapple and ice cream"),
    ("exclude", {"words": ["bad"]}, "badly done", "Bad!"),
    ("exclude", {"words": ["bad"]}, "badly done", "a _bad_ idea"),
    ("exclude", {"words": ["ice  cream"]}, "ice and cream", "ice\ncream"),
    ("exclude", {"words": [" bad "]}, "notbad", "not bad"),
    ("include", {"words": ["caf\u00e9"]}, "CAFE\u0301", "cafe"),
    ("keyword", {"word": "no", "exactly": 2}, "No, no.", "No, none"),
    ("starts_with", {"text": "Dear"}, "\nDear all", "My dear"),
    ("ends_with", {"text": "Bye."}, "So. Bye.\n", "Bye. So."),
    ("lowercase", {}, "all small, 3", "All small"),
    ("uppercase", {}, "ALL LARGE 3", "12"),
    ("quoted", {}, ' "hello" ', 'say "hello"'),
    ("quoted", {}, "\u201cso\u201d", '" "'),
    ("title", {}, "<<A day>>\nOnce", "<A day>"),
    ("json", {}, '```json\n{"a": [1]}\n```', "{'a': 1}"),
    ("json", {}, "[]", "5"),
    ("json", {}, '{"a": 1e3}', '{"a": NaN}'),
    ("json", {}, "[1]", "[-Infinity]"),
    ("no_commas", {}, "a; b", "a, b"),
    ("letter", {"letter": "q", "at_least": 2}, "Quiet queue", "quiet"),
    ("sections", {"marker": "Part", "exactly": 2}, "Part 1\nx\n**Part 2**\ny", "Part 1\nin Part 2"),
    ("separated", {"marker": "***", "exactly": 2}, "one\n***\ntwo", "one\n***\n"),
    ("postscript", {"text": "P.S."}, "Bye.\n\nP.S. Write soon.", "P.S.\nBye. P.S. is for"),
    ("paragraph_starts", {"number": 2, "word": "since"}, "One.\n\nSince then.", "Since.\n\nSinceless."),
]


@pytest.mark.parametrize(("check", "arguments", "right", "wrong"), CASES)
def test_each_check_tells_right_from_wrong(check, arguments, right, wrong):
    (instruction,) = parse_instructions({"instructions": [{"check": check, **arguments}]})
    assert instruction.is_followed(right)
    assert not instruction.is_followed(wrong)


def test_every_check_is_tried():
    assert {check for check, *_ in CASES} == set(CHECKS)


def test_the_share_that_passes_or_all():
    checks = [{"check": "lowercase"}, {"check": "words", "at_most": 3}]
    answers = [make_answer("two words", instructions=checks), make_answer("Two Words", instructions=checks)]
    assert follows_instructions(rule="share")(answers) == [1.0, 0.5]
    assert follows_instructions(rule="all")(answers) == [1.0, 0.0]


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\ufeff\u00a0"])
def test_an_empty_answer_follows_nothing(text):
    checks = [{"check": "no_commas"}, {"check": "exclude", "words": ["x"]}, {"check": "words", "at_most": 9}]
    assert follows_instructions(rule="share")([make_answer(text, instructions=checks)]) == [0.0]


@pytest.mark.parametrize(
    ("instructions", "fault"),
    [
        (None, r"metadata\.instructions: expected a list"),
        ([], r"metadata\.instructions: expected a list"),
        (["words"], r"instructions\[0\]\.check: there is no None"),
        ([{"check": ["words"]}], r"instructions\[0\]\.check: there is no"),
        ([{"check": "json"}, {"check": "wrods"}], r"instructions\[1\]\.check: there is no 'wrods'"),
        ([{"check": "words"}], r"instructions\[0\]\.at_least: is missing"),
        ([{"check": "words", "at_least": "3"}], r"instructions\[0\]\.at_least: expected a whole number"),
        ([{"check": "words", "at_least": 5, "at_most": 3}], r"instructions\[0\]\.at_least: 5 exceeds"),
        ([{"check": "words", "exactly": 5, "at_most": 3}], r"instructions\[0\]\.exactly: leaves no room"),
        ([{"check": "words", "at_leest": 3}], r"instructions\[0\]\.at_leest: unknown key"),
        ([{"check": "json", "words": 3}], r"instructions\[0\]\.words: unknown key"),
        ([{"check": "include", "words": [" "]}], r"instructions\[0\]\.words: needs one"),
        ([{"check": "keyword", "word": "", "at_least": 1}], r"instructions\[0\]\.word: is empty"),
        ([{"check": "starts_with"}], r"instructions\[0\]\.text: is missing"),
        ([{"check": "letter", "letter": "ab", "at_least": 1}], r"instructions\[0\]\.letter: expected one letter"),
        ([{"check": "sections", "marker": " ", "at_least": 1}], r"instructions\[0\]\.marker: is empty"),
        ([{"check": "sections", "marker": "Part"}], r"instructions\[0\]\.at_least: is missing"),
        ([{"check": "paragraph_starts", "number": 0, "word": "a"}], r"instructions\[0\]\.number: must be 1 or more"),
    ],
)
def test_checks_that_cannot_be_used_are_named(instructions, fault):
    with pytest.raises(ValueError, match=fault):
        parse_instructions({"instructions": instructions})


def test_counts_grow_with_what_is_added():
    generator = random.Random(5)
    for _ in range(100):
        words = ["".join(generator.choices("abcé", k=generator.randint(1, 5))) for _ in range(generator.randint(1, 30))]
        assert text_counts.count_words(" ".join(words)) == len(words)
        assert text_counts.count_sentences(". ".join(words)) == len(words)
        assert text_counts.count_paragraphs("\n \n".join(words)) == len(words)
        assert text_counts.count_bullets("\n".join(f"- {word}" for word in words)) == len(words)


ARGUMENTS = {check: arguments for check, arguments, _, _ in CASES}
HOSTILE = (
    " ",
    "\n",
    ".",
    '?"',
    "*",
    "**",
    "* ",
    "- ",
    "[",
    "<<a",
    "<< ",
    "```\n",
    "1.",
    "a",
    "é-",
    "你",
    '"',
    "。",
    "{",
)


@pytest.mark.parametrize("filler", HOSTILE)
def test_no_check_takes_long_whatever_a_policy_writes(filler):
    checks = [{"check": check, **arguments} for check, arguments in ARGUMENTS.items()]
    instructions = parse_instructions({"instructions": checks})
    with time_limit(10):
        assert len([instruction.is_followed(filler * 20_000 + "x") for instruction in instructions]) == len(CHECKS)


def test_code_fences_around_json_are_taken_off():
    (instruction,) = parse_instructions({"instructions": [{"check": "json"}]})
    assert instruction.is_followed("```\n[1, 2]\n```")
    assert not instruction.is_followed("``````")
    assert not instruction.is_followed("```json\nnothing\n```")
