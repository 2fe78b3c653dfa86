"""The section `bias`: what choices and scores follow besides the text."""

from collections import Counter, defaultdict
from typing import Any

import numpy as np

from annotation.agreement.observations import ScoreObservations
from annotation.bias.effects import EffectRecord, measure_effects
from annotation.consensus.leaderboard import Z95
from annotation.consensus.ratings import fit_ratings
from annotation.models import Criterion, FeedbackKind, Project
from annotation.selectors.choices import load_choices
from annotation.selectors.observations import load_scores
from annotation.selectors.project_reports import name_people
from annotation.services.consensus_report import MOST_PEOPLE
from annotation.services.person_figures import save_leanings

NO_SCORES = "Undefined: there are no two different scores on this criterion."
NO_RANKINGS = "Undefined: place, length, format and ties are seen in rankings; this project scores single responses."


def compute_bias(*, project: Project) -> dict[str, Any]:
    """The report as it would be now; everybody's leanings go into their figures."""
    ranking = project.kind == FeedbackKind.RANKING
    project_effects: list[EffectRecord] = []
    people: list[dict[str, Any]] = []
    left_out = 0
    if ranking:
        choices = load_choices(project=project)
        project_effects = measure_effects(choices, of_people=False)
        records = measure_effects(choices, of_people=True)
        save_leanings(project=project, records=records)
        busiest = Counter(choices.annotator.tolist()).most_common(MOST_PEOPLE)
        people = _describe_people(records, busiest)
        left_out = len({each["annotator"] for each in records}) - len(people)
    criteria = Criterion.objects.filter(project=project)
    return {
        "project": project_effects,
        "people": people,
        "people_left_out": left_out,
        "scores": [_describe_scores(project, criterion) for criterion in criteria],
        "notes": {} if ranking else {"project": NO_RANKINGS},
    }


def _describe_people(records: list[EffectRecord], busiest: list[tuple[int, int]]) -> list[dict[str, Any]]:
    by_person: dict[int | None, list[EffectRecord]] = defaultdict(list)
    for record in records:
        by_person[record["annotator"]].append(record)
    names = name_people(ids=[person for person, _ in busiest])
    return [
        {
            "annotator": person,
            "pseudonym": names[person][0],
            "simulated": names[person][1],
            "rankings": count,
            "effects": [
                {name: value for name, value in each.items() if name != "annotator"} for each in by_person[person]
            ],
        }
        for person, count in busiest
    ]


def _describe_scores(project: Project, criterion: Criterion) -> dict[str, Any]:
    """Severity, spread and noise of each person on a criterion."""
    scores = load_scores(project=project, criterion=criterion)
    if not len(scores.value) or np.ptp(scores.value) == 0:
        return {"criterion": criterion.name, "people": None, "people_left_out": 0, "note": NO_SCORES}
    return {"criterion": criterion.name, **_rate_people(scores), "note": ""}


def _rate_people(scores: ScoreObservations) -> dict[str, Any]:
    fit = fit_ratings(unit=scores.unit_id, annotator=scores.annotator_id, value=scores.value)
    count = np.unique(scores.annotator_id, return_counts=True)[1]
    order = np.lexsort((fit.annotator_ids, -count))
    names = name_people(ids=[int(fit.annotator_ids[number]) for number in order[:MOST_PEOPLE]])
    people = [
        {
            "annotator": (pk := int(fit.annotator_ids[number])),
            "pseudonym": names[pk][0],
            "simulated": names[pk][1],
            "scores": int(count[number]),
            "severity": _interval(fit.severity[number], fit.severity_error[number]),
            "spread": _interval(fit.spread[number], fit.spread_error[number]),
            "noise": float(fit.noise[number]),
        }
        for number in order[:MOST_PEOPLE]
    ]
    return {"people": people, "people_left_out": len(count) - len(people)}


def _interval(value: float, error: float) -> dict[str, float]:
    return {"value": float(value), "low": float(value - Z95 * error), "high": float(value + Z95 * error)}
