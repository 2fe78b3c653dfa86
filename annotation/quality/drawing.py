"""PURE. Which silent task comes next, if any, and how its slot is numbered so that it looks like all others."""

GOLD, REPEAT = "gold", "repeat"


def draw_silent(luck: float, *, gold_rate: float, repeat_rate: float) -> str | None:
    """gold, repeat, or None for a normal task.

    luck: uniform over 0 to 1, drawn anew for every task: whoever cannot see it cannot tell when a silent one is due.
    """
    if luck < gold_rate:
        return GOLD
    return REPEAT if luck < gold_rate + repeat_rate else None


def own_slot_numbers(*, highest: int, responses: int, overlap: int) -> list[int]:
    """Numbers for a new slot beyond those in use, one for each order that the task's responses may be shown in.

    A slot's number decides the order (annotation.allocation), which turns with it. Normal tasks have slots 1 to
    `overlap`; keeping to the turns that these have makes a slot that was opened for one person look like them.
    """
    turns = range(highest + 1, highest + 1 + max(responses, 1))
    return [number for number in turns if (number - 1) % max(responses, 1) < overlap]
