"""What it gains to give tasks to the people measured best at them, on a simulated crowd with known skills.

    python benchmarks/giving.py [--seeds 40]

Everybody formally has every skill, but each person is good at one of them (right in 80 to 95 of 100 pairs) and so-so at
the others (55 to 70). Each round everybody judges one task; every task wants three judgments, and the majority is the
consensus. Once tasks go to anybody at random, once by `annotation.allocation`: standings are measured from agreement so
far and 5 in 100 gold tasks, redrawn every five rounds, and tasks widen after an hour. Prints one JSON line: accuracy of
the consensus both ways, and the gain with a 95 % interval over paired seeds.
"""

import argparse
import json
import statistics
import sys
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annotation.allocation import Evidence, rank_people, waiting_seconds

SKILLS, PEOPLE, TASKS, OVERLAP = 3, 24, 900, 3
SECONDS_A_TASK, REDRAW_ROUNDS, WIDEN_SECONDS, GOLD_RATE = 60, 5, 3600.0, 0.05


@dataclass
class Crowd:
    """Who is how good at what, and what the product has seen of it."""

    accuracy: list[list[float]]
    gold: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    @classmethod
    def draw(cls, dice: Random) -> "Crowd":
        strong = [person % SKILLS for person in range(PEOPLE)]
        return cls(
            [
                [dice.uniform(0.8, 0.95) if skill == best else dice.uniform(0.55, 0.7) for skill in range(SKILLS)]
                for best in strong
            ]
        )


def simulate(seed: int, *, matched: bool) -> tuple[float, int]:
    """Accuracy of the consensus, and how many turns found nothing to do."""
    crowd, dice = Crowd.draw(Random(f"crowd:{seed}")), Random(f"work:{seed}:{matched}")
    answers: list[dict[int, bool]] = [{} for _ in range(TASKS)]
    open_tasks = [[task for task in range(TASKS) if task % SKILLS == skill] for skill in range(SKILLS)]
    standings = [dict.fromkeys(range(PEOPLE), 0.0) for _ in range(SKILLS)]
    idle = rounds = 0
    while any(open_tasks):
        if matched and rounds % REDRAW_ROUNDS == 0:
            standings = [rank_people(measure(skill, answers, crowd), generator=dice) for skill in range(SKILLS)]
        for person in dice.sample(range(PEOPLE), PEOPLE):
            task = choose(person, open_tasks, answers, standings, rounds * SECONDS_A_TASK, dice, matched=matched)
            if task is None:
                idle += 1
                continue
            skill = task % SKILLS
            answers[task][person] = dice.random() < crowd.accuracy[person][skill]
            if len(answers[task]) == OVERLAP:
                open_tasks[skill].remove(task)
            if dice.random() < GOLD_RATE:
                seen = crowd.gold.setdefault((person, skill), [0, 0])
                seen[0] += dice.random() < crowd.accuracy[person][skill]
                seen[1] += 1
        rounds += 1
        if rounds > 20 * TASKS:
            raise RuntimeError("the work does not end")
    return statistics.fmean(sum(said.values()) * 2 > OVERLAP for said in answers), idle


def choose(
    person: int,
    open_tasks: list[list[int]],
    answers: list[dict[int, bool]],
    standings: list[dict[int, float]],
    age_seconds: float,
    dice: Random,
    *,
    matched: bool,
) -> int | None:
    """The next task, as acquire chooses among queues of one priority: where this person stands best."""
    skills = dice.sample(range(SKILLS), SKILLS)
    if matched:
        skills.sort(key=lambda skill: standings[skill][person])
    for skill in skills:
        wait = waiting_seconds(standings[skill][person], widen_seconds=WIDEN_SECONDS)
        if matched and age_seconds < wait:
            continue
        task = next((task for task in open_tasks[skill] if person not in answers[task]), None)
        if task is not None:
            return task
    return None


def measure(skill: int, answers: list[dict[int, bool]], crowd: Crowd) -> dict[int, Evidence]:
    """What the product can see: who agreed with whom, and gold. Never who was right."""
    agreed, compared = [0] * PEOPLE, [0] * PEOPLE
    for said in answers[skill::SKILLS]:
        for one, other in combinations(said, 2):
            for person in (one, other):
                compared[person] += 1
                agreed[person] += said[one] == said[other]
    return {
        person: Evidence(agreed[person], compared[person], *crowd.gold.get((person, skill), (0, 0)))
        for person in range(PEOPLE)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40)
    seeds = range(parser.parse_args().seeds)
    anybody = [simulate(seed, matched=False)[0] for seed in seeds]
    matched = [simulate(seed, matched=True) for seed in seeds]
    gains = [ours[0] - theirs for ours, theirs in zip(matched, anybody, strict=True)]
    margin = 2.02 * statistics.stdev(gains) / len(gains) ** 0.5
    gain = statistics.fmean(gains)
    line = {"seeds": len(gains), "random": round(statistics.fmean(anybody), 4)}
    line |= {"matched": round(statistics.fmean(each[0] for each in matched), 4), "gain": round(gain, 4)}
    line |= {"interval": [round(gain - margin, 4), round(gain + margin, 4)]}
    line |= {"idle_turns": round(statistics.fmean(each[1] for each in matched) / (TASKS * OVERLAP), 4)}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
