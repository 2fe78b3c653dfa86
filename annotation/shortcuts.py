"""PURE. Which key does what on the judging screens, and which keys a person may put in their place.

Actions and keys are codes from the lists below and nothing else: no text of a person ever becomes a shortcut. The
letters A to I, the digits and the arrows keep their meaning and are in no list.
"""

from collections.abc import Mapping
from string import ascii_lowercase

from annotation.kinds.faults import FaultList, refuse_unknown_keys, shorten

DEFAULTS: dict[str, str] = {
    "submit": "enter",
    "skip": "shift+s",
    "flag": "shift+f",
    "note": "shift+n",
    "quote": "shift+q",
    "guidelines": "shift+g",
    "help": "?",
    "compare": "shift+d",
    "expand": "shift+e",
    "up": "alt+arrowup",
    "down": "alt+arrowdown",
    "tie": "=",
    "bad": "x",
    "unrank": "u",
    "undo": "ctrl+z",
    "redo": "ctrl+shift+z",
    "not-applicable": "n",
    "reason": "w",
    "pin": "k",
    "find": "/",
    "lengths": "l",
    "prompt": "shift+p",
}
"""{action: key}."""
KEYS: tuple[str, ...] = (
    *[letter for letter in ascii_lowercase if letter > "i"],
    *[f"shift+{letter}" for letter in ascii_lowercase],
    *["=", "-", "+", ",", ".", ";", "'", "[", "]", "/", "?", "backspace", "delete", "insert", "enter", "shift+enter"],
    *["alt+arrowup", "alt+arrowdown", "ctrl+z", "ctrl+y", "ctrl+shift+z", "ctrl+s", "ctrl+e"],
)


def resolve(overrides: Mapping[str, str]) -> dict[str, str]:
    """{action: key} of a person; what a newer version does not know any more is passed over.

    An action that is newer than their choice of its usual key gets the first key that is free.
    """
    known = {action: key for action, key in overrides.items() if action in DEFAULTS and key in KEYS}
    chosen = {**DEFAULTS, **known}
    taken = set(known.values())
    for action in [action for action in DEFAULTS if action not in known and DEFAULTS[action] in taken]:
        chosen[action] = next(key for key in KEYS if key not in chosen.values())
    return chosen


def check(wanted: Mapping[str, object]) -> dict[str, str]:
    """What differs from the defaults in the wanted {action: key}; actions left out keep their default.

    Raises: AnswerError with every unknown action or key, and every key that two actions would share.
    """
    faults = FaultList()
    refuse_unknown_keys(wanted, DEFAULTS, faults)
    for action, key in wanted.items():
        if action in DEFAULTS and key not in KEYS:
            faults.add(f"{shorten(key)!r} is no key for this; use one of {' '.join(KEYS)}", action)
    faults.raise_if_any()
    chosen = {**DEFAULTS, **{action: str(key) for action, key in wanted.items()}}
    owner: dict[str, str] = {}
    for action, key in chosen.items():
        if owner.setdefault(key, action) != action:
            faults.add(f"the key {key!r} already means {owner[key]!r}; give that another key first", action)
    faults.raise_if_any()
    return {action: key for action, key in chosen.items() if key != DEFAULTS[action]}
