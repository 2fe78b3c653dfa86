"""PURE. The format `trl`: TRL's explicit conversational preference, one pair a row.

TRL's RewardTrainer and DPOTrainer read prompt, chosen, rejected and margin; the other columns ride along.
Source: TRL docs/source/dataset_formats.md.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from math import comb
from statistics import fmean
from typing import Any

from annotation.consensus.leanings import LEAST_PREFERENCE
from annotation.exports.canonical import CanonicalRecord, Message, read_answer
from annotation.exports.prompt_group import PromptGroup
from annotation.kinds.preference import PreferencePair
from annotation.kinds.ranking import from_mapping, to_preferences

DROPPED = {
    "tie": "tied by the person who judged",
    "no_majority": "without more than half of those who compared both (who tied them counts too)",
    "not_compared": "that nobody compared",
    "undecided": "on which the crowd leans to neither side",
    "equal_texts": "of equal texts",
    "unusable": "of tasks that a reviewer found unusable",
}
"""Why a pair of responses gives no row, as the end of "12 pairs ..."."""


def write_rows(
    groups: Iterable[PromptGroup], *, view: str, dropped: Counter[str] | None = None
) -> Iterator[dict[str, Any]]:
    """One row a pair.

    dropped: counts the pairs that give no row, by one of the reasons of `DROPPED`.
    judgments: every strict pair of every answer; two people who disagree give two opposite rows.
    majority: the pairs that more than half of those who compared both responses decided alike (who tied them counts as
    one who compared); its margin is the mean strength among those who agree. A snapshot's majority asks for less.
    consensus: the pairs of different texts on which the crowd leans to one side, each annotator counted by their
    reliability and freed from their position bias; its margin is the log-odds, `preference` the probability behind it.
    verdicts: what the reviewer decided, where there is a verdict on the task (nothing where it is unusable); else the
    majority.
    margin: the strength, 0.0 where none was asked (the loss is then the one without a margin).
    weight: 1 / number of pairs of the answer (of the task, for the majority), so that a ranking of nine responses,
    which has 36 pairs, counts no more than a choice between two.
    """
    counts = Counter[str]() if dropped is None else dropped
    pick = {"judgments": _judgment_rows, "consensus": _consensus_rows}.get(view, _majority_rows)
    for group in groups:
        if view == "verdicts" and group.is_unusable:
            counts["unusable"] += comb(len(group.responses), 2)
        elif view == "verdicts" and group.verdict is not None:
            yield from _judgment_rows(replace(group, records=[group.verdict]), counts)
        else:
            yield from pick(group, counts)


def _judgment_rows(group: PromptGroup, dropped: Counter[str]) -> Iterator[dict[str, Any]]:
    for record in group.records:
        pairs = to_preferences(from_mapping(read_answer(record)))
        dropped["tie"] += comb(len(_placements(record)), 2) - len(pairs)
        for pair in pairs:
            yield _row(group, pair, weight=1 / len(pairs), records=[record])


def _majority_rows(group: PromptGroup, dropped: Counter[str]) -> Iterator[dict[str, Any]]:
    said = [
        (record, _placements(record), to_preferences(from_mapping(read_answer(record)))) for record in group.records
    ]
    decided: list[tuple[PreferencePair, list[CanonicalRecord]]] = []
    for first, second in combinations((response["id"] for response in group.responses), 2):
        compared = sum(first in placed and second in placed for _, placed, _ in said)
        before = len(decided)
        for chosen, rejected in ((first, second), (second, first)):
            votes = [(record, pair) for record, _, pairs in said for pair in pairs if pair[:2] == (chosen, rejected)]
            if 2 * len(votes) > compared:
                decided.append((_mean_pair([pair for _, pair in votes]), [record for record, _ in votes]))
        if len(decided) == before:
            dropped["no_majority" if compared else "not_compared"] += 1
    for pair, records in decided:
        yield _row(group, pair, weight=1 / len(decided), records=records)


def _consensus_rows(group: PromptGroup, dropped: Counter[str]) -> Iterator[dict[str, Any]]:
    decided = [(*keys, leaning) for keys, leaning in group.leanings.items() if leaning.preference >= LEAST_PREFERENCE]
    # What the crowd says is told of a pair both ways round.
    dropped["undecided"] += len(group.leanings) // 2 - len(decided)
    for one, other in combinations(group.responses, 2):
        if (one["id"], other["id"]) not in group.leanings:
            dropped["equal_texts" if one["messages"] == other["messages"] else "not_compared"] += 1
    for chosen, rejected, leaning in decided:
        pair = PreferencePair(chosen, rejected, leaning.log_odds)
        said = [record for record in group.records if {chosen, rejected} <= _placements(record)]
        yield {**_row(group, pair, weight=1 / len(decided), records=said), "preference": leaning.preference}


def _placements(record: CanonicalRecord) -> set[str]:
    return {key for tier in record["tiers"] for key in tier}


def _mean_pair(pairs: Sequence[PreferencePair]) -> PreferencePair:
    known = [pair.strength for pair in pairs if pair.strength is not None]
    return pairs[0]._replace(strength=fmean(known) if known else None)


def _row(
    group: PromptGroup, pair: PreferencePair, *, weight: float, records: Sequence[CanonicalRecord]
) -> dict[str, Any]:
    return {
        "prompt": list(group.prompt),
        "chosen": _messages(group, pair.chosen),
        "rejected": _messages(group, pair.rejected),
        "margin": float(pair.strength or 0.0),
        "weight": weight,
        "derived_from": group.kind,
        "group_id": group.prompt_id,
        "judgment_ids": [record["answer_id"] for record in records],
        "simulated": any(record["simulated"] for record in records),
    }


def _messages(group: PromptGroup, key: str) -> list[Message]:
    return next(response["messages"] for response in group.responses if response["id"] == key)
