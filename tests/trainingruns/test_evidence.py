"""The prompts behind an estimate, in words."""

from rewardmodel.intervals import FEWEST_PROMPTS as FEWEST_OF_TRAINERS
from trainingruns.evidence import FEWEST_PROMPTS, count_prompts, why_no_interval


def test_prompts_are_too_few_from_where_the_trainers_give_no_interval() -> None:
    assert FEWEST_PROMPTS == FEWEST_OF_TRAINERS
    assert why_no_interval({"prompts": FEWEST_PROMPTS - 1}).endswith("are too few")
    assert why_no_interval({"prompts": FEWEST_PROMPTS}).endswith("are too much alike")


def test_results_of_before_do_not_tell_how_many_prompts_they_rest_on() -> None:
    assert count_prompts({"n": 8}) == "the held-out prompts"
    assert why_no_interval({"n": 8}) == "the held-out prompts are too few"
    assert (count_prompts({"prompts": 1}), count_prompts({"prompts": 12})) == (
        "1 held-out prompt",
        "12 held-out prompts",
    )
