"""Habits of people from choices whose makers are known."""

import numpy as np
import orjson
import pytest

from annotation.bias.effects import EffectRecord, measure_effects, wilson_interval
from annotation.consensus.choices import Choices, ResponseFacts, collect_choices


def choices_of(
    rankings: list[tuple[int, list[list[str]], list[str], float | None]], *, characters: tuple[int, ...] = (10, 20, 30)
) -> Choices:
    """(annotator, tiers, shown order, milliseconds) each on a task of its own with the responses a, b, c."""
    tasks, size = len(rankings), len(characters)
    count = tasks * size
    facts = ResponseFacts(
        response_id=np.arange(count), text=np.arange(count), prompt=np.repeat(np.arange(tasks), size),
        source=np.tile(np.array(list("xyz"))[:size], tasks), characters=np.tile(characters, tasks),
        markdown=np.tile(np.arange(size), tasks),
    )  # fmt: skip
    rows = {number: (tuple("abc"[:size]), list(range(number * size, number * size + size))) for number in range(tasks)}
    said = (
        (number, number, person, orjson.dumps(tiers).decode(), orjson.dumps(shown).decode(), ms)
        for number, (person, tiers, shown, ms) in enumerate(rankings)
    )
    return collect_choices(said, facts=facts, responses_of_task=rows, parse=orjson.loads)


def effects(choices: Choices) -> dict[str, EffectRecord]:
    return {each["effect"]: each for each in measure_effects(choices, of_people=False)}


def test_rankings_become_choices_with_their_weight() -> None:
    choices = choices_of([(1, [["b"], ["a", "c"]], ["c", "a", "b"], 2000), (1, [["a"]], [], None)])
    assert choices.answer.tolist() == [2, 1, 0]
    assert choices.shown.tolist() == [1, -1, -1]
    np.testing.assert_allclose(choices.weight, 2 / 3)
    assert choices.top_of_first_shown[0] == 0 and np.isnan(choices.top_of_first_shown[1])


def test_a_clicker_of_the_first_is_seen_and_a_fair_person_is_not() -> None:
    generator = np.random.default_rng(0)
    orders = [list(generator.permutation(["a", "b"])) for _ in range(200)]
    clicker = [(1, [[order[0]], [order[1]]], order, 1500.0) for order in orders]
    fair = [(2, [["a"], ["b"]], order, 9000.0) for order in orders]
    records = measure_effects(choices_of([*clicker, *fair], characters=(10, 20)), of_people=True)
    position = {each["annotator"]: each for each in records if each["effect"] == "position"}
    assert position[1]["value"] == 1.0 and position[1]["low"] > 0.95
    assert position[2]["low"] < 0.5 < position[2]["high"]
    speed = {each["annotator"]: each["value"] for each in records if each["effect"] == "speed"}
    assert speed == {1: 1.5, 2: 9.0}
    first_seen = {each["annotator"]: each for each in records if each["effect"] == "first_seen"}
    assert first_seen[1]["value"] == 0.5 and first_seen[2]["low"] < 0 < first_seen[2]["high"]


def test_length_and_format_are_shares_of_strict_choices() -> None:
    found = effects(choices_of([(1, [["c"], ["b"], ["a"]], [], None), (2, [["a"], ["b", "c"]], [], None)]))
    # c over b, c over a, b over a follow length; a over b and a over c do not; b and c tie.
    assert found["length"]["value"] == pytest.approx(3 / 5)
    assert (found["length"]["choices"], found["format"]["value"]) == (5, pytest.approx(3 / 5))
    assert found["ties"]["value"] == pytest.approx(1 / 6)


def test_what_cannot_be_known_says_why() -> None:
    found = effects(choices_of([(1, [["a", "b"]], [], None)], characters=(10, 10)))
    assert found["position"]["value"] is None and "order" in found["position"]["note"]
    assert found["first_seen"]["value"] is None and found["first_seen"]["low"] is None
    assert found["length"]["value"] is None and found["length"]["note"].startswith("Undefined")
    assert found["speed"]["value"] is None and "time" in found["speed"]["note"]
    assert found["ties"]["value"] == 1.0


def test_few_rankings_give_a_number_without_an_interval() -> None:
    found = effects(choices_of([(1, [["a"], ["b"], ["c"]], ["a", "b", "c"], 1000.0)] * 3))
    assert found["first_seen"]["low"] is None and found["first_seen"]["note"].startswith("No interval")
    assert found["speed"]["low"] is None and found["speed"]["value"] == 1.0


def test_the_wilson_interval_is_that_of_the_textbook() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263, method 3.
    low, high = wilson_interval(np.array([81 / 263]), np.array([263.0]))
    assert (round(float(low[0]), 4), round(float(high[0]), 4)) == (0.2553, 0.3662)


def test_ten_people_on_one_task_are_not_ten_tasks() -> None:
    """The same choices, once each on a task of its own and once ten to a task: the second interval is wider."""
    apart = choices_of(
        [(n, [["a"], ["b"]] if (n // 10) % 2 else [["b"], ["a"]], ["a", "b"], None) for n in range(100)],
        characters=(10, 20),
    )
    together = Choices(
        **{name: getattr(apart, name) for name in apart.__slots__ if name != "task"}, task=apart.task // 10
    )
    wide, narrow = effects(together)["position"], effects(apart)["position"]
    assert wide["value"] == narrow["value"] == 0.5
    assert wide["high"] - wide["low"] > 2 * (narrow["high"] - narrow["low"])


def test_the_position_interval_holds_its_truth() -> None:
    generator = np.random.default_rng(4)
    inside = []
    for _ in range(200):
        orders = [list(generator.permutation(["a", "b"])) for _ in range(60)]
        took = generator.random(60) < 0.7
        said = [
            (1, [[order[1 - t]], [order[t]]], order, None) for order, t in zip(orders, took.astype(int), strict=True)
        ]
        found = effects(choices_of(said, characters=(10, 20)))["position"]
        inside.append(found["low"] <= 0.7 <= found["high"])
    assert 0.9 <= np.mean(inside) <= 0.99


def test_nobody_gives_nothing() -> None:
    nothing = choices_of([])
    assert measure_effects(nothing, of_people=True) == []
    assert {each["value"] for each in measure_effects(nothing, of_people=False)} == {None}
