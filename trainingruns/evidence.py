"""PURE: the prompts that a trainer's estimate rests on, in words. Results of before don't tell how many they were."""

from collections.abc import Mapping
from typing import Any

FEWEST_PROMPTS = 3
"""With fewer the trainers give no interval."""


def count_prompts(measured: Mapping[str, Any]) -> str:
    """Such as "12 held-out prompts"; "the held-out prompts" where the result does not tell their number."""
    prompts = measured.get("prompts")
    if prompts is None:
        return "the held-out prompts"
    return f"{prompts} held-out prompt{'' if prompts == 1 else 's'}"


def why_no_interval(measured: Mapping[str, Any]) -> str:
    """Of an estimate with a value alone: "2 held-out prompts are too few", to go on with "to tell ..."."""
    prompts = measured.get("prompts")
    few = prompts is None or prompts < FEWEST_PROMPTS
    return f"{count_prompts(measured)} {'is' if prompts == 1 else 'are'} too {'few' if few else 'much alike'}"
