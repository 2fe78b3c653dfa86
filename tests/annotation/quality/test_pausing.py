from dataclasses import replace

import pytest

from annotation.quality.card import QualityCard
from annotation.quality.pausing import reasons_to_pause
from annotation.quality.positions import PositionBias
from annotation.quality.wilson import Share, wilson_share

NOTHING = wilson_share(0, 0)
GOOD = QualityCard(
    gold=wilson_share(19, 20), consistency=wilson_share(14, 15), too_fast=wilson_share(1, 100), bias=None,
    median_active_ms=20_000.0, judgments=100, in_a_row=0, skips=1,
)  # fmt: skip


def test_good_work_gives_no_reason() -> None:
    assert reasons_to_pause(GOOD, wanted=0.8) == []


def test_nothing_known_gives_no_reason() -> None:
    empty = QualityCard(NOTHING, NOTHING, NOTHING, None, None, 0, 0, 0)
    assert reasons_to_pause(empty, wanted=1.0) == []


@pytest.mark.parametrize(("right", "asked", "says"), [(10, 20, True), (12, 20, False), (0, 9, False), (4, 10, True)])
def test_gold_has_to_be_below_with_its_whole_interval(right: float, asked: int, says: bool) -> None:
    reasons = reasons_to_pause(replace(GOOD, gold=wilson_share(right, asked)), wanted=0.75)
    assert bool(reasons) is says


def test_sentences_carry_their_numbers() -> None:
    bias = PositionBias(1, wilson_share(45, 50, looks=4), 0.25)
    card = replace(
        GOOD, gold=wilson_share(10, 20), consistency=wilson_share(3, 12), bias=bias, too_fast=wilson_share(40, 50)
    )
    assert reasons_to_pause(card, wanted=0.8) == [
        "Of 20 tasks with a known answer 50% was right (95% interval 30% to 70%); the project asks for 80%.",
        "Of 12 tasks that came a second time 25% was judged as before (95% interval 9% to 53%); "
        "at least 65% is to be expected.",
        "The response at place 1 on the screen was put first in 90% of 50 rankings (95% interval 75% to 96%); "
        "25% is to be expected.",
        "80% of 50 judgments came faster than the responses can be read.",
    ]


def test_a_real_but_small_bias_is_no_reason() -> None:
    bias = PositionBias(1, Share(0.35, 0.31, 0.39, 900), 0.25)
    assert bias.is_shown
    assert reasons_to_pause(replace(GOOD, bias=bias), wanted=0.8) == []
