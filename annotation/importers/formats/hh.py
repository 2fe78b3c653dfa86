"""PURE. Anthropic HH: two whole dialogues a record, the chosen and the rejected one.

Source: github.com/anthropics/hh-rlhf, README.
"""

import re
from collections.abc import Mapping
from typing import Any

from annotation.importers.formats.pairs import pair_line
from annotation.importers.formats.parsed import Parsed, ParseOptions, take
from annotation.kinds.faults import FaultList

TURN = re.compile(r"\n\n(Human|Assistant): ?")
ROLES = {"Human": "user", "Assistant": "assistant"}
ANNOTATOR = "anthropic-hh"

Turn = tuple[str, str]


def recognise(record: Mapping[str, Any]) -> bool:
    """Two dialogues that begin with a Human turn."""
    return all(isinstance(record.get(name), str) and TURN.match(record[name]) for name in ("chosen", "rejected"))


def parse(record: Mapping[str, Any], faults: FaultList, options: ParseOptions) -> Parsed | None:
    """The turns both share are the prompt; what follows is the response."""
    chosen, rejected = (_read_turns(record, name, faults) for name in ("chosen", "rejected"))
    if not chosen or not rejected:
        return None
    shared = 0
    while shared < min(len(chosen), len(rejected)) and chosen[shared] == rejected[shared]:
        shared += 1
    while shared and (chosen[shared - 1][0] != "Human" or shared in (len(chosen), len(rejected))):
        shared -= 1
    if not shared:
        faults.add("shares no Human turn with chosen that an Assistant turn follows", "rejected")
        return None
    prompt = [{"role": ROLES[who], "content": text} for who, text in chosen[:shared]]
    return pair_line(prompt, _text_of(chosen[shared:]), _text_of(rejected[shared:]), annotator=ANNOTATOR)


def _read_turns(record: Mapping[str, Any], name: str, faults: FaultList) -> list[Turn]:
    value = take(record, name, faults)
    if value is None:
        return []
    parts = TURN.split(value) if isinstance(value, str) else [""]
    turns = [(who, text.strip()) for who, text in zip(parts[1::2], parts[2::2], strict=True)]
    if parts[0].strip() or not turns or turns[-1][0] != "Assistant":
        faults.add(
            r"expected a dialogue of turns such as '\n\nHuman: …\n\nAssistant: …' that ends with Assistant", name
        )
        return []
    return turns


def _text_of(turns: list[Turn]) -> str:
    """One turn as its text; where the dialogues part earlier, the rest of the dialogue as it is written."""
    rest = "".join(f"\n\n{who}: {text}" for who, text in turns[1:])
    return turns[0][1] + rest
