"""PURE: a trainer's preview.json as chips and tables of tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_VISIBLE = str.maketrans({" ": "\u00b7", "\n": "\u21b5", "\t": "\u21e5", "\r": "\u240d"})
_NUMBERS = {
    "loss": "Loss",
    "log_prob": "Log-prob",
    "advantage": "Advantage",
    "reward": "Reward",
    "value": "Value",
    "value_target": "Value should be",
}
Token = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chip:
    """One token as it stands in the text."""

    text: str
    """With visible blanks and line ends."""
    says: str
    """What is learned at it, in words."""
    has_loss: bool
    is_prompt: bool
    is_stop: bool


@dataclass(frozen=True, slots=True)
class TokenTable:
    """One sequence: its tokens in the text, and in numbers."""

    title: str
    summary: str
    chips: tuple[Chip, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Cells as text: position, token, part, then one under each further heading."""
    parts: tuple[tuple[str, str, str, str], ...]
    """Of the reward: name, value, weight, product."""
    reward: str


def token_tables(preview: Mapping[str, Any]) -> list[TokenTable]:
    """A table for each sequence that a step on this sample would hold."""
    return [_table(completion) for completion in preview.get("completions", ())]


def _table(completion: Mapping[str, Any]) -> TokenTable:
    tokens = completion["tokens"]
    shown = {name: title for name, title in _NUMBERS.items() if any(_says(token, name) for token in tokens)}
    own = [token for token in tokens if token["part"] == "completion"]
    learned = sum(map(_has_loss, own))
    summary = f"{learned} of its {len(own)} own tokens have loss; none of the {len(tokens) - len(own)} of the prompt."
    return TokenTable(
        title=f"{completion['role'].capitalize()} {completion['number']}",
        summary=summary if completion.get("is_counted", True) else f"{summary} It is left out of the loss.",
        chips=tuple(_chip(token) for token in tokens),
        headings=("Position", "Token", "Part", *shown.values()),
        rows=tuple(_row(token, shown) for token in tokens),
        parts=tuple(_part(part) for part in completion.get("parts", ())),
        reward=_number(completion.get("reward")),
    )


def _chip(token: Token) -> Chip:
    said = [f"{title.lower()} {_number(token.get(name))}" for name, title in _NUMBERS.items() if _says(token, name)]
    return Chip(
        text=visible(token["text"]),
        says=", ".join(said if _has_loss(token) else ["no loss", *said]),
        has_loss=_has_loss(token),
        is_prompt=token["part"] == "prompt",
        is_stop=bool(token.get("is_stop")),
    )


def _row(token: Token, shown: Mapping[str, str]) -> tuple[str, ...]:
    text = visible(token["text"]) + (" (stop)" if token.get("is_stop") else "")
    # Where nothing is learned, a dash says so better than a loss of 0 does.
    known = {name: token.get(name) for name in shown if token["part"] == "completion"}
    if not _has_loss(token):
        known["loss"] = None
    return (str(token["position"]), text, token["part"], *(_number(known.get(name)) for name in shown))


def _has_loss(token: Token) -> bool:
    # Previews of older trainers tell it by the number alone, which may be 0 where something else weighs.
    return bool(token.get("has_loss", token.get("loss")))


def _says(token: Token, name: str) -> bool:
    return bool(token.get(name)) or (name == "loss" and _has_loss(token))


def _part(part: Mapping[str, Any]) -> tuple[str, str, str, str]:
    name = f"{part['name']} (form)" if part.get("is_shaping") else part["name"]
    return name, _number(part["value"]), f"{part['weight']:g}", _number(part["value"] * part["weight"])


def visible(text: str) -> str:
    """A token's text with marks in place of blanks and line ends."""
    return text.translate(_VISIBLE) or "\u2205"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def rewards_of_group(preview: Mapping[str, Any]) -> Sequence[str]:
    """What all completions of the group earn."""
    return [_number(reward) for reward in preview.get("rewards_of_group") or ()]
