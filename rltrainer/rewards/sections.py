"""PURE: tagged sections of a response, as in `<think>…</think><answer>…</answer>`."""

import re
from collections.abc import Sequence

from rltrainer.rewards.answer import RewardPart
from rltrainer.rewards.text_counts import has_text


def sectioned(*, names: Sequence[str]) -> RewardPart:
    """1 for each answer that consists of these sections, in order, each once and with text inside; else 0."""
    return lambda answers: [float(consists_of_sections(answer.text, names)) for answer in answers]


def consists_of_sections(text: str, names: Sequence[str]) -> bool:
    """Whether a text is these sections in order with nothing but blanks around them.

    A tag of one of the names inside a section, opening or closing, makes it wrong: nobody could tell what is meant.
    """
    rest = text
    for name in names:
        before, opened, after = rest.partition(f"<{name}>")
        inside, closed, rest = after.partition(f"</{name}>")
        if before.strip() or not opened or not closed or not has_text(inside) or _has_tag(inside, names):
            return False
    return not rest.strip()


def section_text(text: str, name: str | None) -> str | None:
    """What stands in the last section of that name; None where there is none. All of the text for the name None."""
    if name is None:
        return text
    opened = text.rpartition(f"<{name}>")
    if not opened[1]:
        return None
    inside, closed, _ = opened[2].partition(f"</{name}>")
    return inside if closed else None


def _has_tag(text: str, names: Sequence[str]) -> bool:
    return re.search(rf"</?(?:{'|'.join(map(re.escape, names))})>", text) is not None
