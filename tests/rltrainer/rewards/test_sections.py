import pytest

from rltrainer.rewards.sections import consists_of_sections, section_text, sectioned
from tests.rltrainer.rewards.answers import make_answer

NAMES = ("think", "answer")


@pytest.mark.parametrize(
    "text",
    ["<think>why</think><answer>4</answer>", "  <think>\nwhy\n</think>\n\n<answer> 4 </answer>\n"],
)
def test_sections_in_order_are_right(text):
    assert consists_of_sections(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4",
        "<think>why</think>",
        "<answer>4</answer><think>why</think>",
        "<think></think><answer>4</answer>",
        "<think>\u200b</think><answer>4</answer>",
        "<think>why</think><answer>4</answer> thanks",
        "Well. <think>why</think><answer>4</answer>",
        "<think>why</think> so <answer>4</answer>",
        "<think>why<think></think><answer>4</answer>",
        "<think>why</think><answer>4</answer><answer>5</answer>",
        "<think>why <answer>3</answer></think><answer>4</answer>",
        "<think>why</think><answer>4",
    ],
)
def test_anything_else_is_wrong(text):
    assert not consists_of_sections(text, NAMES)


def test_the_part_gives_one_or_nothing():
    texts = ["<a>x</a>", "x"]
    assert sectioned(names=["a"])([make_answer(text) for text in texts]) == [1.0, 0.0]


def test_the_last_section_of_a_name_is_read():
    assert section_text("<a>1</a> <a>2</a>", "a") == "2"
    assert section_text("<a>1</a> <a>2", "a") is None
    assert section_text("none", "a") is None
    assert section_text("all of it", None) == "all of it"
