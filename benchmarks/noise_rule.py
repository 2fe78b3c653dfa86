"""The noise rule of dynamic sampling on a real ensemble: does it drop the groups of which the reward knows nothing?

    python -m benchmarks.noise_rule MODEL_FOLDER --data ../shared/data/ukp_train.jsonl.gz [--work FOLDER]

Three reward models learn from votes on pairs of arguments, each from other pairs and with a head of its own. Arguments
on questions that none of them has seen are put into groups, and the product's own rule decides on each group. What it
keeps and what it drops is held against people's majority on every pair of the group. Intervals draw whole questions
again. Last, groups that the model itself samples. With --work the reward models are kept for another look.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.noise_rule_groups import (
    FACTORS,
    MEASURES,
    Judged,
    Topic,
    believe,
    compare,
    is_kept,
    judge_groups,
    ratio_of,
    read_topics,
    record,
    shuffled,
    split_topics,
)

MEMBERS = 3
ENDS = 0.2
"""Share of the groups at either end of an order by one of MEASURES."""
RESAMPLES = 2000


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the language model to start from")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="folder for the run directories; a temporary one without it")
    parser.add_argument("--pairs", type=int, default=240, help="that each reward model learns from")
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 4, 8], help="arguments in a group")
    parser.add_argument("--groups", type=int, default=150, help="of each size and topic")
    parser.add_argument("--sampled", type=int, default=3, help="groups the model samples on a topic; 0 for none")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        measure(given, given.work or Path(temporary))


def measure(given: argparse.Namespace, work: Path) -> None:
    """Train, score, print."""
    training, checking, unseen = split_topics(read_topics(given.data), given.seed)
    folders = [work / f"member-{number}" for number in range(MEMBERS)]
    for number, folder in enumerate(folders):
        train_member(folder, given, training, checking, number)
    texts = [(topic.chat, argument) for topic in unseen for argument in topic.arguments]
    scores = score_all(folders, texts)
    print(f"{len(unseen)} topics unseen, {len(texts)} arguments; {MEMBERS} members, {given.pairs} pairs each\n")
    print_members(scores, unseen)
    for size in given.sizes:
        groups = list(judge_groups(unseen, scores, size=size, count=given.groups, seed=given.seed))
        print_factors(groups, size)
        print_ends(groups, size)
    if given.sampled:
        print_sampled(given, folders, unseen)


def train_member(
    folder: Path, given: argparse.Namespace, training: Sequence[Topic], checking: Sequence[Topic], number: int
) -> None:
    """The real trainer on pairs that no other member is shown. A folder with a result is left as it is."""
    if (folder / "result.json").exists():
        return
    (folder / "data").mkdir(parents=True, exist_ok=True)
    deal = np.random.default_rng(given.seed)
    own = [pair for place, pair in enumerate(shuffled(training, deal)) if place % MEMBERS == number][: given.pairs]
    held_out = shuffled(checking, deal)[:64]
    layers = json.loads((given.model / "config.json").read_text())["num_hidden_layers"]
    for name, pairs in (("train", own), ("eval", held_out)):
        rows = "".join(json.dumps(record(*pair)) + "\n" for pair in pairs)
        (folder / "data" / f"{name}.jsonl").write_text(rows, encoding="utf-8")
    config = {
        "schema": 1,
        "kind": "reward",
        "seed": given.seed + number,
        # The upper third learns, as in the site's own recipe.
        "model": {"base": str(given.model.resolve()), "frozen_layers": layers * 2 // 3},
        "optimizer": {"learning_rate": 5e-5},
        "training": {"pairs_per_step": 8},
        "evaluation": {"every_steps": 0},
    }
    (folder / "config.json").write_text(json.dumps(config))
    subprocess.run([sys.executable, "-m", "rewardmodel", "train", str(folder)], check=True, stdout=subprocess.DEVNULL)


def score_all(folders: Sequence[Path], texts: Sequence[tuple[list[dict[str, str]], str]]) -> np.ndarray:
    """[members, texts] normalised scores."""
    from rewardmodel.runtime.device import select_device
    from rltrainer.rewards.fast_scorer import FastScorer

    compute = select_device()
    prompts, responses = zip(*texts, strict=True)
    return np.stack([FastScorer(folder / "model", compute).score(prompts, responses) for folder in folders])


def print_members(scores: np.ndarray, topics: Sequence[Topic]) -> None:
    """How well each member, and all together, rank the pairs of unseen topics."""
    sides = {f"member {number + 1}": own for number, own in enumerate(scores)} | {"together": believe(scores)[0]}
    print("| | pairs ranked as people did |\n|---|---|")
    for name, values in sides.items():
        right, pairs, start = 0.0, 0, 0
        for topic in topics:
            everything = np.arange(len(topic.arguments))
            found = compare(topic, everything, values[start + everything])
            right, pairs, start = right + found[0], pairs + found[1], start + len(topic.arguments)
        print(f"| {name} | {right / pairs:.3f} of {pairs:,} |")


def print_factors(groups: Sequence[Judged], size: int) -> None:
    """Kept and dropped groups by factor."""
    print(f"\nGroups of {size}, pairs in them ranked as people did:\n")
    print("| factor | groups kept | in kept ones | in dropped ones | difference |\n|---|---|---|---|---|")
    for place, factor in enumerate(FACTORS):
        kept = np.array([group.kept[place] for group in groups])
        cells = [describe(groups, chosen) for chosen in (kept, ~kept)]
        print(f"| {factor:g} | {kept.mean():.1%} | {cells[0]} | {cells[1]} | {describe_difference(groups, kept)} |")


def print_ends(groups: Sequence[Judged], size: int) -> None:
    """Which measure tells best where the reward knows nothing."""
    print(f"\n| groups of {size} ordered by | lowest fifth | highest fifth |\n|---|---|---|")
    for place, name in enumerate(MEASURES):
        values = np.array([group.measures[place] for group in groups])
        low, high = np.quantile(values, [ENDS, 1 - ENDS])
        print(f"| {name} | {describe(groups, values <= low)} | {describe(groups, values >= high)} |")


def tally(groups: Sequence[Judged], chosen: np.ndarray) -> np.ndarray:
    """[questions, 2] pairs ranked right, and pairs, in the chosen groups."""
    places = {question: place for place, question in enumerate(sorted({group.question for group in groups}))}
    counts = np.zeros((len(places), 2))
    for group, is_in in zip(groups, chosen, strict=True):
        if is_in:
            counts[places[group.question]] += (group.right, group.pairs)
    return counts


def describe(groups: Sequence[Judged], chosen: np.ndarray) -> str:
    """Share of pairs ranked right, with its 95 % interval."""
    counts = tally(groups, chosen)
    if not counts[:, 1].any():
        return "none"
    low, high = interval([share(counts[drawn]) for drawn in resamples(len(counts))])
    return f"{share(counts):.3f} [{low:.3f}, {high:.3f}]"


def describe_difference(groups: Sequence[Judged], kept: np.ndarray) -> str:
    """Kept less dropped, on the same draws of questions."""
    inside, outside = tally(groups, kept), tally(groups, ~kept)
    if not inside[:, 1].any() or not outside[:, 1].any():
        return ""
    low, high = interval([share(inside[drawn]) - share(outside[drawn]) for drawn in resamples(len(inside))])
    return f"{share(inside) - share(outside):+.3f} [{low:+.3f}, {high:+.3f}]"


def share(counts: np.ndarray) -> float:
    """Of pairs ranked right, over all rows of counts [n, 2]; not a number without a pair."""
    right, pairs = counts.sum(axis=0)
    return float(right / pairs) if pairs else np.nan


def resamples(count: int) -> np.ndarray:
    """[RESAMPLES, count] places drawn with replacement."""
    return np.random.default_rng(1).integers(count, size=(RESAMPLES, count))


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95 %; draws without any pair say nothing."""
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)


def print_sampled(given: argparse.Namespace, folders: Sequence[Path], topics: Sequence[Topic]) -> None:
    """How many groups of eight of the model's own completions each factor keeps."""
    texts = sample_texts(given.model, topics, groups=given.sampled, seed=given.seed)
    flat = [(topic.chat, text) for topic, group in texts for text in group]
    rewards, noise = (column.reshape(len(texts), -1) for column in believe(score_all(folders, flat)))
    print(f"\n{len(texts)} groups of {rewards.shape[1]} completions that the model samples:\n")
    print("| factor | groups kept |\n|---|---|")
    for factor in FACTORS:
        kept = [is_kept(own, doubt, factor) for own, doubt in zip(rewards, noise, strict=True)]
        print(f"| {factor:g} | {np.mean(kept):.1%} |")
    ratios = [ratio_of(own, doubt) for own, doubt in zip(rewards, noise, strict=True)]
    print("\nDeviation over noise, quartiles: " + ", ".join(f"{q:.2f}" for q in np.quantile(ratios, [0.25, 0.5, 0.75])))


def sample_texts(
    model: Path, topics: Sequence[Topic], *, groups: int, seed: int, size: int = 8, new_tokens: int = 48
) -> list[tuple[Topic, tuple[str, ...]]]:
    """Groups of completions at temperature 1, as a run of the policy trainer samples them."""
    from rewardmodel.records import PromptRecord
    from rewardmodel.runtime.backbones import load_causal_model, load_generation_config, load_tokenizer
    from rewardmodel.runtime.device import select_device
    from rewardmodel.runtime.rendering import Renderer
    from rltrainer.prompts import encode_prompts
    from rltrainer.rollouts.batched_sampler import BatchedSampler
    from rltrainer.rollouts.collecting import collect_groups
    from rltrainer.rollouts.engine import SamplingRules

    renderer = Renderer(load_tokenizer(model), load_generation_config(model))
    asked = [(f"{topic.name}/{number}", topic) for topic in topics for number in range(groups)]
    records = [PromptRecord(name, tuple(topic.chat)) for name, topic in asked]
    prompts, _ = encode_prompts(records, renderer, max_tokens=512)
    sampled = collect_groups(
        prompts,
        engine=BatchedSampler(load_causal_model(model, dtype=select_device().compute_dtype), batch_rows=16),
        renderer=renderer,
        rules=SamplingRules(new_tokens, renderer.stop_ids),
        group_size=size,
        seed=seed,
        purpose="rollout",
        policy_version=0,
    )
    return [(topic, group.texts) for (_, topic), group in zip(asked, sampled, strict=True)]


if __name__ == "__main__":
    main()
