"""What a report says besides its statistics, criterion by criterion: the trend, and every two people."""

from typing import Any

import numpy as np

from annotation.agreement.pair_sums import choose_people
from annotation.agreement.report import CONFIDENCE
from annotation.agreement.running import Picture
from annotation.agreement.shares import COLUMNS, estimate_share
from annotation.models import AgreementDetail, Project
from annotation.services.report_contents import ReportContents

TASKS = COLUMNS - 1


def save_details(*, project: Project, contents: ReportContents) -> None:
    """Replaces the details of the last report. Part of a report, so it neither asks nor records."""
    AgreementDetail.objects.filter(project=project).exclude(part__in=contents.pictures).delete()
    for position, (part, picture) in enumerate(contents.pictures.items()):
        fields = {"position": position, "criterion": picture.records[0]["criterion"], "trend": picture.trend}
        AgreementDetail.objects.update_or_create(
            project=project, part=part, defaults={**fields, **_describe_pairs(picture)}
        )


def _describe_pairs(picture: Picture) -> dict[str, Any]:
    """The people whose pairs are kept, who is compared most first, and their pairs by place."""
    persons, pairs = picture.persons, picture.pairs
    chosen = np.isin(persons.people, choose_people(persons))
    rows = persons.rows[chosen]
    order = np.lexsort((persons.people[chosen], -rows[:, 1]))
    ids = persons.people[chosen][order].tolist()
    place = {person: number for number, person in enumerate(ids)}
    found = []
    for first, second, row in zip(pairs.first.tolist(), pairs.second.tolist(), pairs.rows, strict=True):
        share = estimate_share(row, confidence=CONFIDENCE)
        low, high = sorted((place[first], place[second]))
        found.append([low, high, share.value, share.low, share.high, share.trials, share.tasks])
    shared = rows[order][:, [1, TASKS]].round().astype(int).tolist()
    return {
        "people": [[person, *counts] for person, counts in zip(ids, shared, strict=True)],
        "pairs": sorted(found),
        "people_left_out": len(persons.people) - len(ids),
    }
