"""PURE. From what people said about each prompt to the responses that are worth imitating."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainingruns.pairs import PromptVotes, Record


@dataclass(frozen=True, slots=True)
class Candidate:
    """A response that somebody vouches for, whatever the votes say."""

    prompt_id: str
    """The prompt that it answers."""
    messages: Sequence[Mapping[str, str]]
    """What was asked."""
    key: str
    """The response's id among those of its prompt."""
    text: str
    """What it says."""
    origin: str
    """`adjudicated` or `demonstration`."""


@dataclass(slots=True)
class ExampleMaker:
    """Collects the examples of a snapshot: those that votes chose, and those that somebody vouches for."""

    dropped: Counter[str] = field(default_factory=Counter)
    """Why responses are left out, and how many."""

    def make(self, votes: Iterable[PromptVotes], vouched: Iterable[Candidate]) -> list[Record]:
        """Example records, prompts in their order. A known answer takes the place of the votes; a text comes once."""
        by_prompt: dict[str, list[Record]] = {}
        for candidate in vouched:
            if candidate.text:
                by_prompt.setdefault(candidate.prompt_id, []).append(_vouched_record(candidate))
            else:
                self.dropped["empty_examples"] += 1
        for prompt in votes:
            known = by_prompt.setdefault(prompt.prompt_id, [])
            if not any(record["origin"] == "adjudicated" for record in known):
                # In front: where a person wrote what people chose, the votes behind it are worth keeping.
                known[:0] = self._chosen(prompt)
        return [record for key in sorted(by_prompt, key=_numerically) for record in _once_each(by_prompt[key])]

    def _chosen(self, prompt: PromptVotes) -> Iterator[Record]:
        best = best_responses(prompt)
        if not best:
            self.dropped["no_best_response"] += 1
        for key in best:
            if is_bad(prompt, key):
                self.dropped["best_but_bad"] += 1
            elif not prompt.texts[key]:
                self.dropped["empty_examples"] += 1
            else:
                yield _record(prompt.prompt_id, prompt.messages, key, prompt.texts[key], "chosen", _voices(prompt, key))


def best_responses(prompt: PromptVotes) -> list[str]:
    """Keys of the best tier that people agree on: the highest share of pairs won by majority, a tied pair half.

    Empty where no response is above another. Source: Copeland 1951, for rankings that leave pairs out by share.
    """
    won: dict[str, float] = defaultdict(float)
    played: Counter[str] = Counter()
    for pair in prompt.pairs.values():
        share = 0.5 + 0.5 * ((len(pair.wins) > len(pair.losses)) - (len(pair.wins) < len(pair.losses)))
        for key, part in ((pair.first, share), (pair.second, 1 - share)):
            won[key] += part
            played[key] += 1
    shares = {key: won[key] / played[key] for key in played}
    highest = max(shares.values(), default=0.0)
    if highest == min(shares.values(), default=0.0):
        return []
    return sorted(key for key, share in shares.items() if share == highest)


def is_bad(prompt: PromptVotes, key: str) -> bool:
    """Whether at least half of those who ranked a response placed it below the line: best, but of no use."""
    return 2 * prompt.bad[key] >= prompt.placed[key]


def _voices(prompt: PromptVotes, key: str) -> list[int]:
    pairs = [pair for pair in prompt.pairs.values() if key in (pair.first, pair.second)]
    return sorted({each for pair in pairs for each in pair.judgments})


def _once_each(records: Sequence[Record]) -> Iterator[Record]:
    seen: set[str] = set()
    for record in records:
        if record["response"] not in seen:
            seen.add(record["response"])
            yield record


def _numerically(prompt_id: str) -> tuple[int, str]:
    return len(prompt_id), prompt_id


def _vouched_record(candidate: Candidate) -> Record:
    return _record(candidate.prompt_id, candidate.messages, candidate.key, candidate.text, candidate.origin, [])


def _record(
    prompt_id: str, messages: Sequence[Mapping[str, str]], key: str, text: str, origin: str, judgments: list[int]
) -> dict[str, Any]:
    return {
        "id": f"{prompt_id}/{key}",
        "prompt_id": prompt_id,
        "prompt": [dict(message) for message in messages],
        "response": text,
        "origin": origin,
        "judgments": judgments,
    }
