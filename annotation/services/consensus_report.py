"""The section `consensus`: sources and people, estimated together."""

from typing import Any

from annotation.consensus.report import consensus_report
from annotation.models import Project
from annotation.selectors.choices import load_choices
from annotation.selectors.project_reports import name_people

MOST_PEOPLE = 500
"""People in a stored report: those with most choices."""
ONLY_RANKINGS = "Undefined: consensus is made of rankings; this project scores single responses (see `bias`)."


def compute_consensus(*, project: Project) -> dict[str, Any]:
    """The report as it would be now, without storing it."""
    report = consensus_report(load_choices(project=project))
    people = report["people"] or []
    report["people"] = name_records(people[:MOST_PEOPLE]) if report["people"] is not None else None
    report["people_left_out"] = max(len(people) - MOST_PEOPLE, 0)
    if project.kind != "ranking":
        report["notes"] = {"crowd": ONLY_RANKINGS, "leaderboard": ONLY_RANKINGS}
    return report


def name_records(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records with pseudonyms beside the ids of their annotators."""
    names = name_people(ids=[each["annotator"] for each in records])
    return [
        {**each, "pseudonym": names[each["annotator"]][0], "simulated": names[each["annotator"]][1]} for each in records
    ]
