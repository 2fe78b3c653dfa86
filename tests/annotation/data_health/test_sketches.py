"""Sketches against exact likeness."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.data_health.sketches import find_alike, likeness, normalise_text, sketch_texts

WORDS = ("yeast", "bread", "dough", "warm", "cold", "night", "flour", "water", "salt", "oven", "crust", "knead", "rest")


def sentence(generator: np.random.Generator, words: int = 40) -> list[str]:
    return list(generator.choice(WORDS, words))


@pytest.mark.parametrize("changed", [0, 1, 3, 8, 20])
def test_a_sketch_estimates_likeness(changed: int) -> None:
    generator = np.random.default_rng(changed)
    errors = []
    for _ in range(30):
        one = sentence(generator)
        other = one.copy()
        for place in generator.choice(40, changed, replace=False):
            other[place] = f"x{generator.integers(1000)}"
        texts = [" ".join(one), " ".join(other)]
        left, right = sketch_texts(texts)
        errors.append((left == right).mean() - likeness(*texts))
    assert abs(np.mean(errors)) < 0.03
    assert np.sqrt(np.mean(np.square(errors))) < 0.09


def test_near_duplicates_are_found_among_many() -> None:
    generator = np.random.default_rng(1)
    texts = [" ".join([*sentence(generator, 30), str(number)]) for number in range(2000)]
    texts += [f"{text} indeed" for text in texts[:50]]
    first = find_alike(sketch_texts(texts))
    assert first[2000:].tolist() == list(range(50))
    assert (first[:2000] == np.arange(2000)).mean() > 0.99


def test_only_texts_of_one_group_are_compared() -> None:
    sketches = sketch_texts(["an answer that is the same"] * 3)
    assert find_alike(sketches, within=np.array([1, 2, 1])).tolist() == [0, 1, 0]


def test_scripts_without_blanks_work_as_well() -> None:
    one = "把面团放在温暖的地方发酵一个小时，然后再揉一次，最后放进烤箱里烤四十分钟。"
    left, right, other = sketch_texts(
        [one, one.replace("四十", "五十"), "今天天气很好，我们去公园散步，看花，喝茶，聊天。"]
    )
    assert (left == right).mean() > 0.7 > 0.1 > (left == other).mean()


@given(st.text(max_size=60))
def test_case_and_blanks_do_not_matter(text: str) -> None:
    one, other = sketch_texts([normalise_text(text), normalise_text(f"  {text}\n")])
    np.testing.assert_array_equal(one, other)


def test_nothing_and_very_little_are_no_trouble() -> None:
    assert sketch_texts([]).shape == (0, 64)
    assert find_alike(sketch_texts([])).tolist() == []
    assert find_alike(sketch_texts(["a", "b", "a", "no\ud800"])).tolist() == [0, 1, 0, 3]
