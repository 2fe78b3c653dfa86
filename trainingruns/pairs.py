"""PURE. From what people said about each prompt to preference records, split by prompt."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from annotation.consensus.leanings import DIGITS, LEAST_PREFERENCE, Leanings

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a reviewer decided about one ranking task."""

    verdict_id: int
    keys: Sequence[str]
    """The responses of the task."""
    tiers: Sequence[Sequence[str]] = ()
    """Empty where the task is unusable."""
    bad: Sequence[str] = ()
    based_on: Sequence[int] = ()
    """Ids of the judgments that the reviewer saw."""


@dataclass(slots=True)
class PairVotes:
    """What people said about two responses of one prompt, seen from the first."""

    first: str
    second: str
    wins: list[int] = field(default_factory=list)
    """Ids of judgments that place the first above the second."""
    losses: list[int] = field(default_factory=list)
    ties: list[int] = field(default_factory=list)
    ruling: Ruling | None = None
    """The verdict that stands in the place of the votes; its own id is then the one vote above."""

    @property
    def judgments(self) -> list[int]:
        """Ids of the judgments behind it."""
        return sorted(self.ruling.based_on if self.ruling else (*self.wins, *self.losses, *self.ties))


@dataclass(slots=True)
class PromptVotes:
    """One prompt, its responses' texts by key, and the votes on each pair that somebody compared."""

    prompt_id: str
    messages: Sequence[Mapping[str, str]]
    texts: dict[str, str] = field(default_factory=dict)
    pairs: dict[tuple[str, str], PairVotes] = field(default_factory=dict)
    placed: Counter[str] = field(default_factory=Counter)
    """How many rankings place a response."""
    bad: Counter[str] = field(default_factory=Counter)
    """How many of them place it below the line."""

    def add_answer(self, judgment_id: int, tiers: Sequence[Sequence[str]], bad: Sequence[str] = ()) -> None:
        """Count one ranking: every pair of ranked responses, ties included, and those below the line."""
        self.placed.update(key for tier in tiers for key in tier)
        self.bad.update(bad)
        places = [(key, place) for place, tier in enumerate(tiers) for key in tier]
        for index, (one, its_place) in enumerate(places):
            for other, other_place in places[index + 1 :]:
                self._count(judgment_id, one, other, its_place == other_place)

    def ruled(self, rulings: Iterable[Ruling]) -> "PromptVotes":
        """The same with each pair of a ruled task as the reviewer decided it: of an unusable one, no pair at all."""
        after = replace(self, pairs=dict(self.pairs), placed=Counter(self.placed), bad=Counter(self.bad))
        for ruling in rulings:
            for pair in combinations(sorted(ruling.keys), 2):
                after.pairs.pop(pair, None)
            for key in ruling.keys:
                del after.placed[key], after.bad[key]
            decided = PromptVotes(self.prompt_id, self.messages)
            decided.add_answer(ruling.verdict_id, ruling.tiers, ruling.bad)
            after.pairs |= {pair: replace(votes, ruling=ruling) for pair, votes in decided.pairs.items()}
            after.placed += decided.placed
            after.bad += decided.bad
        return after

    def _count(self, judgment_id: int, upper: str, lower: str, is_tie: bool) -> None:
        first, second = sorted((upper, lower))
        votes = self.pairs.setdefault((first, second), PairVotes(first, second))
        (votes.ties if is_tie else votes.wins if upper == first else votes.losses).append(judgment_id)


def majority_records(prompt: PromptVotes, dropped: Counter[str]) -> Iterator[Record]:
    """One record a pair with its votes; pairs without a majority and pairs of equal texts are counted in `dropped`."""
    for votes in _in_order(prompt):
        if prompt.texts[votes.first] == prompt.texts[votes.second]:
            dropped["equal_texts"] += 1
        elif len(votes.wins) == len(votes.losses):
            dropped["no_majority"] += 1
        else:
            yield _record(prompt, votes, f"{prompt.prompt_id}/{votes.first}/{votes.second}")


def judgment_records(prompt: PromptVotes, dropped: Counter[str]) -> Iterator[Record]:
    """One record a pair and judgment that decides it; ties and pairs of equal texts are counted in `dropped`."""
    for votes in _in_order(prompt):
        if prompt.texts[votes.first] == prompt.texts[votes.second]:
            dropped["equal_texts"] += 1
            continue
        dropped["tie"] += len(votes.ties)
        for judgment_id in sorted([*votes.wins, *votes.losses]):
            single = PairVotes(votes.first, votes.second)
            (single.wins if judgment_id in votes.wins else single.losses).append(judgment_id)
            yield _record(prompt, single, f"{prompt.prompt_id}/{votes.first}/{votes.second}/{judgment_id}")


def consensus_records(prompt: PromptVotes, dropped: Counter[str], leanings: Leanings) -> Iterator[Record]:
    """One record a pair on which the crowd leans to one side, each annotator counted by how reliable they are.

    `preference` is the probability to learn, `margin` its log-odds; the votes are told as they were cast. Pairs of
    equal texts and those on which the crowd is even are counted in `dropped`.
    """
    for votes in _in_order(prompt):
        leaning = leanings.of(prompt.prompt_id, votes.first, votes.second)
        if leaning is None:
            dropped["equal_texts"] += 1
        elif max(leaning.preference, 1 - leaning.preference) < LEAST_PREFERENCE:
            dropped["undecided"] += 1
        else:
            name = f"{prompt.prompt_id}/{votes.first}/{votes.second}"
            first_wins = leaning.preference > 0.5
            preference = leaning.preference if first_wins else round(1 - leaning.preference, DIGITS)
            yield {
                **_record(prompt, votes, name, first_wins=first_wins),
                "preference": preference,
                "margin": abs(leaning.log_odds),
            }


VIEWS = ("majority", "judgments", "consensus", "verdicts")


def make_records(
    view: str, prompt: PromptVotes, dropped: Counter[str], leanings: Leanings | None = None
) -> Iterator[Record]:
    """The records of a prompt in a view; `leanings` are needed for the view `consensus` alone.

    verdicts: as the majority, of a prompt that is `ruled`.
    """
    if leanings is not None:
        return consensus_records(prompt, dropped, leanings)
    return (judgment_records if view == "judgments" else majority_records)(prompt, dropped)


def split_place(messages: Sequence[Mapping[str, str]], *, seed: int) -> float:
    """A number in [0, 1) that the seed and the prompt's text alone decide: prompts below the share are held out.

    Equal prompts therefore stay together, and a prompt keeps its side when the data grows.
    """
    text = json.dumps([[message["role"], message["content"]] for message in messages], ensure_ascii=False)
    digest = hashlib.sha256(f"{seed}\0{text}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def split_bound(places: Iterable[float], *, share: float) -> float:
    """Prompts at or below this place are held out: the share, or the lowest place where the share reaches nobody.

    A few prompts could otherwise leave nothing to measure on. Of fewer than two different prompts none is held out.
    """
    different = sorted(set(places))
    if share <= 0 or len(different) < 2:
        return -1.0
    # Never all of them: there must be something to learn from.
    return min(max(share, different[0]), different[-2])


def human_ceiling(prompts: Iterable[PromptVotes]) -> dict[str, Any]:
    """How often one person agrees with the majority of the others on a pair: what a perfect model could reach.

    Votes that are ties count half, as does a split among the others; pairs with a single vote are left out.
    Returns: {"value": share or None, "votes": how many votes were held against the others}.
    """
    agreed, votes = 0.0, 0
    for prompt in prompts:
        for pair in prompt.pairs.values():
            share, count = _leave_one_out(len(pair.wins), len(pair.losses), len(pair.ties))
            agreed, votes = agreed + share, votes + count
    return {"value": agreed / votes if votes else None, "votes": votes}


def _leave_one_out(wins: int, losses: int, ties: int) -> tuple[float, int]:
    if wins + losses + ties < 2:
        return 0.0, 0
    balance = wins - losses
    # The balance of the others, seen from the side that the left-out vote took.
    right = wins * _side(balance - 1) + losses * _side(-balance - 1) + ties * 0.5
    return right, wins + losses + ties


def _side(balance: int) -> float:
    return 0.5 if balance == 0 else float(balance > 0)


def _in_order(prompt: PromptVotes) -> list[PairVotes]:
    return [prompt.pairs[key] for key in sorted(prompt.pairs)]


def _record(prompt: PromptVotes, votes: PairVotes, name: str, *, first_wins: bool | None = None) -> Record:
    if first_wins is None:
        first_wins = len(votes.wins) > len(votes.losses)
    chosen, rejected = (votes.first, votes.second) if first_wins else (votes.second, votes.first)
    cast = len(votes.wins), len(votes.losses)
    numbers = cast if first_wins else cast[::-1]
    return {
        "id": name,
        "prompt_id": prompt.prompt_id,
        "prompt": [dict(message) for message in prompt.messages],
        "chosen": prompt.texts[chosen],
        "rejected": prompt.texts[rejected],
        "votes": {"chosen": numbers[0], "rejected": numbers[1], "tie": len(votes.ties)},
        "margin": 0.0,
        "weight": 1.0,
        "derived_from": "ranking",
        "judgments": votes.judgments,
    }
