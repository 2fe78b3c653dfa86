"""PURE. Prompts and responses one by one: empty, cut off, said before."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from annotation.data_health.check import Check, make_check, make_rows
from annotation.data_health.sketches import Sketches, find_alike, normalise_text, sketch_texts

LONG_QUESTION = 20
"""Characters of a question whose repetition is no accident."""
LONG_ENOUGH = 200
"""Characters from which on a text that ends in mid-sentence is likely cut off."""
MID_SENTENCE = re.compile(r"(?:[,;(\[{–-]|\b(?:and|or|but|the|a|an|of|to|in|with|for|that|is|are))$", re.IGNORECASE)
LONGEST_ENDING = 8
"""Characters at the end of a text that MID_SENTENCE can say something about: a word of four with what is before it."""
SKETCHES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ResponseText:
    """One response as it is read."""

    pk: int
    prompt: int
    text: str
    finish_reason: str | None = None
    """Why its sampler stopped; None for texts that were not sampled here."""
    asked: str = ""
    """The last message of the prompt."""


@dataclass(slots=True)
class TextLedger:
    """What is kept of texts that stream through: ids, digests and sketches, never the texts."""

    pk: list[int] = field(default_factory=list)
    group: list[int] = field(default_factory=list)
    digest: list[bytes] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)
    sketches: list[Sketches] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def add(self, pk: int, group: int, text: str) -> None:
        """One text; `group` says among which ones duplicates are looked for."""
        plain = normalise_text(text)
        if not plain:
            self.empty.append(pk)
            return
        self.pk.append(pk)
        self.group.append(group)
        self.digest.append(hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=12).digest())
        self.waiting.append(plain)
        if len(self.waiting) >= SKETCHES_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Sketches what waits."""
        if self.waiting:
            self.sketches.append(sketch_texts(self.waiting))
            self.waiting = []

    def all_sketches(self) -> Sketches:
        """[texts, bins] of all that were added."""
        self.flush()
        return np.concatenate(self.sketches) if self.sketches else sketch_texts([])

    def repeats(self, *, grouped: bool) -> tuple[list[int], list[str]]:
        """Texts that stood before, with what they repeat."""
        seen: dict[tuple[int, bytes], int] = {}
        ids, notes = [], []
        for pk, group, digest in zip(self.pk, self.group, self.digest, strict=True):
            first = seen.setdefault((group if grouped else 0, digest), pk)
            if first != pk:
                ids.append(pk)
                notes.append(f"same as {first}")
        return ids, notes

    def near_repeats(self, *, grouped: bool) -> tuple[list[int], list[str]]:
        """Different texts that are nearly one before them; a text that stands several times counts once."""
        within = np.array(self.group, np.int64) if grouped else None
        first = find_alike(self.all_sketches(), within=within)
        seen: set[tuple[int, bytes]] = set()
        found = []
        for number, head in enumerate(first.tolist()):
            name = (self.group[number] if grouped else 0, self.digest[number])
            if name not in seen and self.digest[number] != self.digest[head]:
                found.append((self.pk[number], f"nearly {self.pk[head]}"))
            seen.add(name)
        return [pk for pk, _ in found], [note for _, note in found]


def looks_cut_off(text: str) -> bool:
    """Whether a text ends in mid-sentence, or in a code block that nobody closed."""
    stripped = text.rstrip()
    if stripped.count("```") % 2:
        return True
    return len(stripped) >= LONG_ENOUGH and MID_SENTENCE.search(stripped[-LONGEST_ENDING:]) is not None


def repeats_question(response: ResponseText) -> bool:
    """Whether a response begins with all of what was asked."""
    asked = normalise_text(response.asked)
    return len(asked) >= LONG_QUESTION and normalise_text(response.text).startswith(asked)


def check_prompts(prompts: Iterable[tuple[int, str]]) -> tuple[list[Check], TextLedger]:
    """(id, text of all messages) -> empty ones, duplicates and near-duplicates."""
    ledger = TextLedger()
    for pk, text in prompts:
        ledger.add(pk, 0, text)
    total = len(ledger.pk) + len(ledger.empty)
    exact, exact_notes = ledger.repeats(grouped=False)
    near, near_notes = ledger.near_repeats(grouped=False)
    checks = [
        make_check("clean", "empty_prompts", len(ledger.empty), of=total, rows=make_rows("prompt", ledger.empty)),
        make_check("clean", "duplicate_prompts", len(exact), of=total, rows=make_rows("prompt", exact, exact_notes)),
        make_check("clean", "near_duplicate_prompts", len(near), of=total, rows=make_rows("prompt", near, near_notes)),
    ]
    return checks, ledger


def check_responses(responses: Iterable[ResponseText]) -> list[Check]:
    """Empty and truncated responses, and those that stand twice: under one prompt, or under several."""
    ledger = TextLedger()
    stopped, cut, parroted = [], [], []
    for response in responses:
        ledger.add(response.pk, response.prompt, response.text)
        if response.finish_reason == "length":
            stopped.append(response.pk)
        elif looks_cut_off(response.text):
            cut.append(response.pk)
        if repeats_question(response):
            parroted.append(response.pk)
    total = len(ledger.pk) + len(ledger.empty)
    return [
        make_check("clean", "empty_responses", len(ledger.empty), of=total, rows=make_rows("response", ledger.empty)),
        make_check("clean", "stopped_at_length", len(stopped), of=total, rows=make_rows("response", stopped)),
        make_check("clean", "cut_off_responses", len(cut), of=total, rows=make_rows("response", cut)),
        *_repeat_checks(ledger, total),
        make_check(
            "relevant",
            "responses_that_repeat_the_prompt",
            len(parroted),
            of=total,
            rows=make_rows("response", parroted),
        ),
    ]


def _repeat_checks(ledger: TextLedger, total: int) -> list[Check]:
    found = {
        "duplicate_responses": ledger.repeats(grouped=True),
        "near_duplicate_responses": ledger.near_repeats(grouped=True),
        "responses_of_several_prompts": _across(ledger),
    }
    return [
        make_check("clean", name, len(ids), of=total, rows=make_rows("response", ids, notes))
        for name, (ids, notes) in found.items()
    ]


def _across(ledger: TextLedger) -> tuple[list[int], list[str]]:
    """Responses whose very text answers another prompt too: often a refusal, or a slip of the import."""
    home: dict[bytes, tuple[int, int]] = {}
    ids, notes = [], []
    for pk, group, digest in zip(ledger.pk, ledger.group, ledger.digest, strict=True):
        first, its_group = home.setdefault(digest, (pk, group))
        if its_group != group:
            ids.append(pk)
            notes.append(f"same as {first}")
    return ids, notes
