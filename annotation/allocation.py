"""PURE. In which order a slot shows its responses."""

from collections.abc import Sequence
from hashlib import sha256


def shown_order(keys: Sequence[str], *, task_id: int, slot_number: int) -> list[str]:
    """The response keys in the order in which the holder of this slot sees them.

    A row of a cyclic Latin square: the task decides a base order, each slot turns it one step further. Over as many
    slots as there are responses every response stands at every position exactly once. The same slot always shows
    the same order, so a reload or a second annotator after a lost lease changes nothing.

    keys: the task's stored order. slot_number: 1 for the first slot.
    """
    base = sorted(keys, key=lambda key: sha256(f"{task_id}:{key}".encode()).digest())
    if not base:
        return []
    turn = (slot_number - 1) % len(base)
    return base[turn:] + base[:turn]
