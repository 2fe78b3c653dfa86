"""PURE. Letters for people, keys for us. A response's key often names the model that wrote it, so no annotator sees it.

The letters A, B, C... stand for the positions of the order in which a slot shows its responses.
"""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from annotation.exceptions import InvalidAnswer


def letters(shown_order: Sequence[str]) -> dict[str, str]:
    """{"A": the first key shown, "B": the second, ...}."""
    if len(shown_order) > len(ascii_uppercase):
        raise ValueError(f"{len(shown_order)} responses, but only {len(ascii_uppercase)} letters")
    return dict(zip(ascii_uppercase, shown_order, strict=False))


def answer_to_keys(answer: Mapping[str, Any], shown_order: Sequence[str]) -> dict[str, Any]:
    """An answer in letters as an answer in response keys.

    Values of a wrong shape are left as they are for `parse_answer` to report.
    Raises: InvalidAnswer naming each letter that was not shown; nothing but a shown letter is ever taken, so keys
    cannot be guessed through this door.
    """
    faults: list[dict[str, str]] = []
    translated = _translate(answer, letters(shown_order), faults)
    if faults:
        raise InvalidAnswer("The answer names responses that this task does not have.", extra={"faults": faults})
    return translated


def answer_to_letters(answer: Mapping[str, Any], shown_order: Sequence[str]) -> dict[str, Any]:
    """An answer in response keys as one in letters; a key that was not shown becomes "?".

    Letters of a tie come in the alphabet's order: that of the keys would tell in which order they are stored.
    """
    names = {key: letter for letter, key in letters(shown_order).items()}
    lettered = _translate(answer, names, faults=[])
    if isinstance(lettered.get("tiers"), list):
        lettered["tiers"] = [_alphabetical(tier) for tier in lettered["tiers"]]
    return lettered | {field: _alphabetical(lettered[field]) for field in ("bad", "unranked") if field in lettered}


def _alphabetical(value: object) -> object:
    return sorted(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else value


def _translate(answer: Mapping[str, Any], names: Mapping[str, str], faults: list[dict[str, str]]) -> dict[str, Any]:
    translated = dict(answer)
    if isinstance(answer.get("tiers"), (list, tuple)):
        translated["tiers"] = [
            _rename(tier, names, f"tiers[{number}]", faults) for number, tier in enumerate(answer["tiers"])
        ]
    for field in ("bad", "unranked"):
        if field in answer:
            translated[field] = _rename(answer[field], names, field, faults)
    if isinstance(answer.get("scores"), Mapping):
        translated["scores"] = {
            criterion: _rename_keys(by_response, names, f"scores.{criterion}", faults)
            for criterion, by_response in answer["scores"].items()
        }
    return translated


def _rename(value: object, names: Mapping[str, str], field: str, faults: list[dict[str, str]]) -> object:
    if not isinstance(value, (list, tuple)):
        return value
    return [_name(item, names, field, faults) if isinstance(item, str) else item for item in value]


def _rename_keys(value: object, names: Mapping[str, str], field: str, faults: list[dict[str, str]]) -> object:
    if not isinstance(value, Mapping):
        return value
    return {_name(str(key), names, field, faults): item for key, item in value.items()}


def _name(item: str, names: Mapping[str, str], field: str, faults: list[dict[str, str]]) -> str:
    if item in names:
        return names[item]
    faults.append({"field": field, "message": f"no response {item[:20]!r} here; use {', '.join(sorted(names))}"})
    return "?"
