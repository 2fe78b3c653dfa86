"""PURE. Formats of trainers that take preference pairs: each row is a function of a row of the format `trl`.

Sources: TRL docs/source/dataset_formats.md (implicit and unpaired preference); OpenRLHF datasets/reward_dataset.py;
LLaMA-Factory data/README.md (sharegpt, ranking); torchtune docs, preference datasets; github.com/anthropics/hh-rlhf.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from annotation.exports import trl
from annotation.exports.prompt_group import PromptGroup

Row = Mapping[str, Any]
RIDE_ALONG = ("margin", "preference", "weight", "derived_from", "group_id", "judgment_ids", "simulated")
SHAREGPT_NAMES = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}
HH_NAMES = {"user": "Human", "assistant": "Assistant"}


def write_pairs(
    convert: Callable[[Row], Iterable[dict[str, Any]]],
) -> Callable[..., Iterator[dict[str, Any]]]:
    """A writer of rows for the table of formats, out of what makes rows of one pair."""

    def write_rows(
        groups: Iterable[PromptGroup], *, view: str, dropped: Counter[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        for pair in trl.write_rows(groups, view=view, dropped=dropped):
            yield from convert(pair)

    return write_rows


def to_implicit(pair: Row) -> Iterator[dict[str, Any]]:
    """The prompt stands inside chosen and rejected; TRL's RewardTrainer recommends it, OpenRLHF reads it by default."""
    yield {**_dialogues(pair, "chosen", "rejected"), **_along(pair)}


def to_unpaired(pair: Row) -> Iterator[dict[str, Any]]:
    """A row an answer with a label, for KTO and BCO: true for the chosen one of a pair, false for the rejected one."""
    for name in ("chosen", "rejected"):
        yield {"prompt": pair["prompt"], "completion": pair[name], "label": name == "chosen", **_along(pair)}


def to_openrlhf(pair: Row) -> Iterator[dict[str, Any]]:
    """prompt_key, chosen_key and rejected_key at their usual names, with the margin; read with a chat template."""
    yield {name: pair[name] for name in ("prompt", "chosen", "rejected")} | _along(pair)


def to_llama_factory(pair: Row) -> Iterator[dict[str, Any]]:
    """The sharegpt form of a ranking dataset."""
    turns = [message for message in pair["prompt"] if message["role"] != "system"]
    row = {
        "conversations": [_sharegpt(message) for message in turns],
        "chosen": _sharegpt(pair["chosen"][-1]),
        "rejected": _sharegpt(pair["rejected"][-1]),
    }
    system = "\n\n".join(message["content"] for message in pair["prompt"] if message["role"] == "system")
    yield row | ({"system": system} if system else {}) | _along(pair)


def dataset_info(name: str, file_name: str) -> dict[str, Any]:
    """What LLaMA-Factory's dataset_info.json must say of such a file."""
    columns = {"messages": "conversations", "chosen": "chosen", "rejected": "rejected", "system": "system"}
    return {name: {"file_name": file_name, "formatting": "sharegpt", "ranking": True, "columns": columns}}


def to_torchtune(pair: Row) -> Iterator[dict[str, Any]]:
    """Both whole dialogues, under the columns that its preference dataset expects."""
    yield {**_dialogues(pair, "chosen_conversations", "rejected_conversations"), **_along(pair)}


def to_hh(pair: Row) -> Iterator[dict[str, Any]]:
    """Both whole dialogues as text. HH has two speakers; what others say begins the next Human turn."""
    prompt = _hh_text(pair["prompt"])
    yield {name: prompt + _hh_text(pair[name]) for name in ("chosen", "rejected")}


def to_table(pair: Row) -> Iterator[dict[str, Any]]:
    """A flat row of texts and numbers, for spreadsheets; a prompt of several messages is written as a dialogue."""
    prompt = pair["prompt"]
    text = prompt[0]["content"] if len(prompt) == 1 else "\n\n".join(f"{m['role']}: {m['content']}" for m in prompt)
    along = {name: pair[name] for name in ("margin", "weight", "derived_from", "group_id", "simulated")}
    yield {
        "prompt": text,
        "chosen": pair["chosen"][-1]["content"],
        "rejected": pair["rejected"][-1]["content"],
        **along,
    }


def _along(pair: Row) -> dict[str, Any]:
    """What is known of the pair; `preference` only in the consensus view."""
    return {name: pair[name] for name in RIDE_ALONG if name in pair}


def _dialogues(pair: Row, chosen: str, rejected: str) -> dict[str, Any]:
    return {chosen: [*pair["prompt"], *pair["chosen"]], rejected: [*pair["prompt"], *pair["rejected"]]}


def _sharegpt(message: Row) -> dict[str, str]:
    return {"from": SHAREGPT_NAMES[message["role"]], "value": message["content"]}


def _hh_text(messages: Iterable[Row]) -> str:
    """Turns as HH writes them; a system or tool message becomes the beginning of a Human turn."""
    text, waiting = "", ""
    for message in messages:
        name = HH_NAMES.get(message["role"])
        if name == "Human" or name is None:
            waiting += f"\n\n{message['content']}" if waiting else message["content"]
            continue
        text += (f"\n\nHuman: {waiting}" if waiting else "") + f"\n\n{name}: {message['content']}"
        waiting = ""
    return text + (f"\n\nHuman: {waiting}" if waiting else "")
