"""Groups of people's arguments, and what people and an ensemble of reward models make of them; for `noise_rule.py`."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
RULE, PENALTY = "mean_minus_std", 0.5
"""What the members say together, as `reward.ensemble_rule` and `reward.ensemble_penalty` are by default."""
MEASURES = ("deviation over noise", "deviation over noise without a common offset", "deviation alone")
"""What groups can be ordered by; the rule takes the first. A common offset is what members disagree on for a whole
group, as on a topic, which no comparison inside of it sees."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One side of a question, with all that was said for it."""

    name: str
    prompt: str
    arguments: tuple[str, ...]
    lead: dict[tuple[str, str], int]
    """Votes for the first less those for the second argument, in the order of `arguments`; both orders are in it."""

    @property
    def question(self) -> str:
        """The sides of one question share it: whoever has seen one has seen much of the other."""
        return self.name.partition("_")[0]

    @property
    def chat(self) -> list[dict[str, str]]:
        """The prompt as messages."""
        return [{"role": "user", "content": self.prompt}]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the ensemble and people make of one group."""

    question: str
    """That of its topic."""
    kept: tuple[bool, ...]
    """By factor of FACTORS, as the product's own rule decides."""
    measures: tuple[float, ...]
    """By name of MEASURES."""
    right: float
    """Pairs that the reward ranks as people's majority did; equal rewards half."""
    pairs: int
    """Pairs on which there is a majority."""


def read_topics(path: Path) -> list[Topic]:
    """All topics with their pairs of different arguments."""
    prompts: dict[str, str] = {}
    arguments: dict[str, dict[str, None]] = defaultdict(dict)
    leads: dict[str, dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            name, first, second = line["topic"], line["response_a"].strip(), line["response_b"].strip()
            if first == second:
                continue
            said = [vote["choice"] for vote in line["annotations"]]
            prompts[name] = line["prompt"]
            arguments[name].update(dict.fromkeys((first, second)))
            leads[name][first, second] += said.count("a") - said.count("b")
            leads[name][second, first] += said.count("b") - said.count("a")
    return [Topic(name, prompts[name], tuple(arguments[name]), dict(leads[name])) for name in sorted(prompts)]


def split_topics(topics: Sequence[Topic], seed: int) -> tuple[list[Topic], list[Topic], list[Topic]]:
    """Topics to learn from, two questions that set the scale of scores, and seven that nobody looks at before."""
    questions = sorted({topic.question for topic in topics})
    order = [questions[place] for place in np.random.default_rng(seed).permutation(len(questions))]
    parts = (order[9:], order[7:9], order[:7])
    training, checking, unseen = ([topic for topic in topics if topic.question in part] for part in parts)
    return training, checking, unseen


def shuffled(topics: Sequence[Topic], generator: np.random.Generator) -> list[tuple[Topic, str, str]]:
    """All pairs with a majority, the better argument first, in an order of their own."""
    pairs = [(topic, *pair) for topic in topics for pair, lead in topic.lead.items() if lead > 0]
    return [pairs[place] for place in generator.permutation(len(pairs))]


def record(topic: Topic, chosen: str, rejected: str) -> dict[str, Any]:
    """A preference record; its votes are the lead alone."""
    numbers = [topic.arguments.index(text) for text in (chosen, rejected)]
    return {
        "id": f"{topic.name}/{numbers[0]}-{numbers[1]}",
        "prompt_id": topic.name,
        "prompt": topic.chat,
        "chosen": chosen,
        "rejected": rejected,
        "votes": {"chosen": topic.lead[chosen, rejected], "rejected": 0, "tie": 0},
    }


def believe(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[texts] what the members say together, and how far they differ, as in a run's reward."""
    from rewardmodel.scorer import EnsembleScores

    together = EnsembleScores(scores.mean(axis=0), scores.std(axis=0), scores.min(axis=0))
    return together.trusted(rule=RULE, penalty=PENALTY), together.deviation


def judge_groups(topics: Sequence[Topic], scores: np.ndarray, *, size: int, count: int, seed: int) -> Iterator[Judged]:
    """Groups of different arguments drawn from each topic."""
    generator = np.random.default_rng((seed, size))
    rewards, noise = believe(scores)
    start = 0
    for topic in topics:
        for _ in range(count):
            own = generator.choice(len(topic.arguments), size, replace=False)
            earned, doubt = rewards[start + own], noise[start + own]
            kept = tuple(is_kept(earned, doubt, factor) for factor in FACTORS)
            inside = scores[:, start + own]
            inner = (inside - inside.mean(axis=1, keepdims=True)).std(axis=0)
            measures = (ratio_of(earned, doubt), ratio_of(earned, inner), float(earned.std(ddof=1)))
            yield Judged(topic.question, kept, measures, *compare(topic, own, earned))
        start += len(topic.arguments)


def ratio_of(rewards: np.ndarray, noise: np.ndarray) -> float:
    """A group's deviation over the ensemble's (root mean square)."""
    return float(rewards.std(ddof=1) / np.sqrt((noise**2).mean()))


def compare(topic: Topic, own: np.ndarray, rewards: np.ndarray) -> tuple[float, int]:
    """Pairs ranked as people's majority did, and pairs with one."""
    right, pairs = 0.0, 0
    for first, second in combinations(range(len(own)), 2):
        lead = topic.lead.get((topic.arguments[own[first]], topic.arguments[own[second]]), 0)
        if lead:
            difference = float(rewards[first] - rewards[second])
            right += 0.5 if difference == 0 else (difference > 0) == (lead > 0)
            pairs += 1
    return right, pairs


def is_kept(rewards: np.ndarray, noise: np.ndarray, factor: float) -> bool:
    """What the product's own rule says."""
    from rewardmodel.records import PromptRecord
    from rltrainer.config_learning import DynamicSamplingConfig
    from rltrainer.records import Completion, EncodedPrompt, Group
    from rltrainer.rollouts.keep_rules import is_useful

    size, values = len(rewards), tuple(map(float, rewards))
    group = Group(
        EncodedPrompt(PromptRecord("any", ()), (0,)),
        (Completion((0,), (0.0,), "stop", 0),) * size,
        ("",) * size,
        0,
        rewards=values,
        task_rewards=values,
        reward_noise=tuple(map(float, noise)),
    )
    return is_useful(group, DynamicSamplingConfig(enabled=True, rule="noise", noise_factor=factor))
