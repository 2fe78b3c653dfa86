"""Is the consensus better than the majority? On crowds whose truth is known, and on votes that it has not seen.

    python benchmarks/consensus.py [--worlds 40] [--data ../shared/data/ukp_train.jsonl.gz] [--judgments 1000000]

Prints four tables in Markdown. Without the data file the third is left out, and it says so.
"""

import argparse
import gzip
import json
import resource
import time
from pathlib import Path

import numpy as np

from annotation.agreement.observations import FIRST, SECOND, TIE, Floats, Integers
from annotation.consensus.comparisons import Comparisons, build_comparisons
from annotation.consensus.crowd import fit_crowd
from annotation.consensus.leaderboard import Z95
from annotation.consensus.predictions import predict_choices
from annotation.consensus.simulated_crowd import MIX, simulate_crowd

CROWDS = {
    "good people only": {"good": 1.0},
    "half noisy": {"good": 0.5, "noisy": 0.5},
    "a third position-biased": {"good": 0.67, "position-biased": 0.33},
    "a quarter adversarial": {"good": 0.75, "adversarial": 0.25},
    "all of them": MIX,
}
PAIRS, PEOPLE, VOTES = 300, 40, 5
COVERED, COVERED_WORLDS = ((40, 300), (250, 300), (250, 1875)), 10
"""(people, pairs) of the crowds whose intervals are looked at."""
SMOOTHING = (0.5, 1, 2, 3, 4, 6, 10)
"""Votes added to a pair's shares; the table gives the majority the best of them, chosen on the held-out votes."""
HELD_OUT = 0.2
RESAMPLES = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=40, help="simulated crowds of each sort")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ukp_train.jsonl.gz"))
    parser.add_argument("--judgments", type=int, default=1_000_000, help="of the measurement of speed")
    arguments = parser.parse_args()
    print_crowds(arguments.worlds)
    print_coverage()
    if arguments.data.exists():
        print_held_out(arguments.data)
    else:
        print(f"\n{arguments.data} is not here: nothing is said about real votes.")
    print_speed(arguments.judgments)


def print_crowds(worlds: int) -> None:
    """Share of pairs on which each side is right, over independent crowds; ties of the majority count half."""
    print(f"{worlds} crowds of {PEOPLE} people, {PAIRS} pairs, {VOTES} votes each; gain with its 95 % interval\n")
    print("| crowd | majority | consensus | gain |\n|---|---|---|---|")
    for name, mix in CROWDS.items():
        right = np.array([judge_world(seed, mix) for seed in range(worlds)])
        gains = right[:, 1] - right[:, 0]
        error = 1.96 * gains.std(ddof=1) / np.sqrt(worlds)
        low, high = gains.mean() - error, gains.mean() + error
        means = right.mean(axis=0)
        print(f"| {name} | {means[0]:.3f} | {means[1]:.3f} | {gains.mean():+.3f} [{low:+.3f}, {high:+.3f}] |")


def judge_world(seed: int, mix: dict[str, float]) -> tuple[float, float]:
    """Shares of pairs that majority and consensus get right."""
    world = simulate_crowd(
        pairs=PAIRS, votes=VOTES, annotators=PEOPLE, generator=np.random.default_rng(seed), mix=mix
    )  # fmt: skip
    data, truth = world.comparisons, np.sign(world.difference)
    lead = np.sign(np.bincount(data.pair, (data.answer == FIRST) * 1.0 - (data.answer == SECOND), data.pairs))
    majority = np.where(lead == 0, 0.5, lead == truth)
    return float(majority.mean()), float((np.sign(fit_crowd(data).difference) == truth).mean())


def print_coverage() -> None:
    """Share of pairs whose 95 % interval holds the true difference; that in units of a person of root mean square 1."""
    print("\n| people | choices each | crowd | intervals that hold the truth |\n|---|---|---|---|")
    for people, pairs in COVERED:
        for name in ("good people only", "a quarter adversarial", "all of them"):
            held = [cover_world(seed, people, pairs, CROWDS[name]) for seed in range(COVERED_WORLDS)]
            print(f"| {people} | {pairs * VOTES / people:.0f} | {name} | {np.mean(held):.1%} |")


def cover_world(seed: int, people: int, pairs: int, mix: dict[str, float]) -> float:
    """The share in one crowd."""
    world = simulate_crowd(
        pairs=pairs, votes=VOTES, annotators=people, generator=np.random.default_rng(seed), mix=mix
    )  # fmt: skip
    fit, typical = fit_crowd(world.comparisons), np.sqrt((world.reliability**2).mean())
    return float((np.abs(fit.difference - typical * world.difference) <= Z95 * fit.difference_error).mean())


def print_held_out(path: Path) -> None:
    """Log-loss of votes that nobody was shown, in nats, with intervals that draw whole pairs again."""
    first, second, person, answer = read_votes(path)
    held = np.random.default_rng(0).random(len(answer)) < HELD_OUT
    data = compare(first[~held], second[~held], person[~held], answer[~held])
    start = time.perf_counter()
    fit = fit_crowd(data)
    seconds = time.perf_counter() - start
    pair, annotator, shown, said = number_votes(data, first[held], second[held], person[held], answer[held])
    losses = {
        "majority's shares": best_shares(data, pair, said),
        "consensus, of a typical person": loss_of(
            predict_choices(fit, pair=pair, annotator=-np.ones_like(pair), shown=shown), said
        ),
        "consensus": loss_of(predict_choices(fit, pair=pair, annotator=annotator, shown=shown), said),
    }
    print(
        f"\n{path.name}: {data.choices:,} votes of {data.annotators:,} people on {data.pairs:,} pairs to learn from, "
        f"{len(said):,} held out; fitted in {seconds:.1f} s\n\n| | log-loss | less than the majority's |\n|---|---|---|"
    )
    for name, loss in losses.items():
        gain = losses["majority's shares"] - loss
        low, high = interval_over_pairs(gain, pair)
        print(f"| {name} | {loss.mean():.4f} | {gain.mean():.4f} [{low:.4f}, {high:.4f}] |")


def read_votes(path: Path) -> tuple["np.ndarray", "np.ndarray", "np.ndarray", Integers]:
    """Texts of both sides (with their prompt), person and answer of each vote between two different texts."""
    rows = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            sides = [f"{line['prompt']}\0{line[side].strip()}" for side in ("response_a", "response_b")]
            rows += [
                (*sides, vote["annotator"], ["a", "tie", "b"].index(vote["choice"])) for vote in line["annotations"]
            ]
    first, second, person, answer = (np.array(column) for column in zip(*rows, strict=True))
    different = first != second
    return first[different], second[different], person[different], answer[different]


def compare(first: "np.ndarray", second: "np.ndarray", person: "np.ndarray", answer: Integers) -> Comparisons:
    """The reasons that people gave call the sides A1 and A2: everybody saw the first one first."""
    shown = np.ones(len(answer), np.int64)
    return build_comparisons(first=first, second=second, annotator=person, answer=answer, shown=shown)


def number_votes(
    data: Comparisons, first: "np.ndarray", second: "np.ndarray", person: "np.ndarray", answer: Integers
) -> tuple[Integers, Integers, Integers, Integers]:
    """Pair, person, shown order and answer of the votes on known pairs, in the numbers of `data`."""
    items = {name: number for number, name in enumerate(data.item_ids)}
    people = {name: number for number, name in enumerate(data.annotator_ids)}
    ends = zip(data.first.tolist(), data.second.tolist(), strict=True)
    pairs = {pair: number for number, pair in enumerate(ends)}
    one, other = (np.array([items.get(name, -1) for name in names]) for names in (first, second))
    turned = one > other
    keys = zip(np.minimum(one, other).tolist(), np.maximum(one, other).tolist(), strict=True)
    pair = np.array([pairs.get(key, -1) for key in keys])
    known = pair >= 0
    annotator = np.array([people.get(name, -1) for name in person])
    said = np.where(turned, SECOND - answer, answer)
    return pair[known], annotator[known], np.where(turned, -1, 1)[known], said[known]


def best_shares(data: Comparisons, pair: Integers, said: Integers) -> Floats:
    """[votes] log-loss of a pair's own shares, drawn towards the shares of all pairs by the best of SMOOTHING."""
    counts = np.zeros((data.pairs, 3))
    np.add.at(counts, (data.pair, data.answer), 1)
    total = counts.sum(axis=0)
    usual = np.array([total[[FIRST, SECOND]].mean(), total[TIE], total[[FIRST, SECOND]].mean()]) / total.sum()
    tried = []
    for added in SMOOTHING:
        shares = (counts + added * usual) / (counts.sum(axis=1, keepdims=True) + added)
        tried.append(loss_of(shares[pair], said))
    return min(tried, key=lambda loss: float(loss.mean()))


def loss_of(chances: Floats, said: Integers) -> Floats:
    """[votes] nats"""
    return -np.log(chances[np.arange(len(said)), said])


def interval_over_pairs(gain: Floats, pair: Integers) -> tuple[float, float]:
    """95 % interval of the mean gain, pairs drawn again with all their votes."""
    number = np.unique(pair, return_inverse=True)[1]
    sums, sizes = np.bincount(number, gain), np.bincount(number)
    generator = np.random.default_rng(1)
    drawn = [generator.integers(len(sums), size=len(sums)) for _ in range(RESAMPLES)]
    low, high = np.quantile([sums[each].sum() / sizes[each].sum() for each in drawn], [0.025, 0.975])
    return float(low), float(high)


def print_speed(judgments: int) -> None:
    """Seconds and memory of one fit."""
    generator = np.random.default_rng(9)
    world = simulate_crowd(pairs=judgments // VOTES, votes=VOTES, annotators=5000, generator=generator)
    start = time.perf_counter()
    fit = fit_crowd(world.comparisons)
    seconds = time.perf_counter() - start
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("\n| judgments | people | seconds | rounds | peak MiB |\n|---|---|---|---|---|")
    print(f"| {judgments:,} | 5,000 | {seconds:.1f} | {fit.rounds} | {mebibytes:.0f} |")


if __name__ == "__main__":
    main()
