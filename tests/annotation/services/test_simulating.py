"""Simulated annotators in a project with practice, a test, silent gold and silent repeats."""

from typing import Any

import pytest
from django.db import transaction

from annotation.models import Judgment, Project, QualificationAttempt, User
from annotation.services.reports import refresh_agreement_report
from annotation.services.simulating import _make_crowd, simulate_annotators
from tests.factories import make_project, make_task, ranking

SPECIAL = (("practice", 2), ("qualification", 3), ("gold", 4))


@pytest.fixture
def project(db: Any) -> Project:
    """Twelve normal tasks and some of each special kind, whose known answers say the opposite of the texts."""
    project = make_project(
        judgments_per_task=3, practice_tasks=2, qualification_tasks=3, pass_mark=0.8, gold_rate=0.3, repeat_rate=0.3,
        repeat_after=2,
    )  # fmt: skip
    # Names of their own: chance follows the seed and the task's name.
    for number in range(12):
        make_task(project, keys=("a", "b", "c"), external_id=f"normal-{number}")
    for purpose, count in SPECIAL:
        for number in range(count):
            name, gold = f"{purpose}-{number}", ranking("c", "b", "a")
            make_task(project, keys=("a", "b", "c"), external_id=name, purpose=purpose, gold=gold)
    return project


def _judged(project: Project) -> list[tuple[str, str, Any]]:
    rows = Judgment.objects.filter(project=project).order_by("task__external_id", "annotator__username")
    return [
        (name, who, tiers) for name, who, tiers in rows.values_list("task__external_id", "annotator__username", "tiers")
    ]


def test_they_practise_take_the_test_and_meet_gold_and_repeats(project: Project) -> None:
    done = simulate_annotators(project=project, annotators=4, noise=0.02, seed=1)
    assert done.purposes["normal"] == 12 * 3
    assert (done.purposes["practice"], done.purposes["qualification"]) == (4 * 2, 4 * 3)
    assert done.purposes["gold"] > 0 and done.purposes["repeat"] > 0
    assert done.judgments == Judgment.objects.filter(project=project).count() == sum(done.purposes.values())
    states = set(QualificationAttempt.objects.filter(project=project).values_list("state", flat=True))
    assert states == {"passed"}
    known = Judgment.objects.filter(project=project, task__purpose="gold")
    assert all(judgment.tiers == [["c"], ["b"], ["a"]] for judgment in known)


def test_nothing_special_counts_in_the_report(project: Project) -> None:
    simulate_annotators(project=project, annotators=4, noise=0.02, seed=1)
    report = refresh_agreement_report(project=project)
    assert {row["judgments"] for row in report.statistics} == {12 * 3}


def test_the_same_seed_gives_the_same_judgments_silent_ones_included(project: Project) -> None:
    _make_crowd(project, 3, 7, 0.1)
    runs = []
    for _ in range(2):
        # Once more from the same state: which gold and which repeat come depends on ids of tasks and people.
        savepoint = transaction.savepoint()
        done = simulate_annotators(project=project, annotators=3, noise=0.1, seed=7)
        runs.append((done.purposes, _judged(project)))
        transaction.savepoint_rollback(savepoint)
    assert runs[0] == runs[1]
    assert runs[0][0]["gold"] and runs[0][0]["repeat"]


def test_who_guesses_fails_the_test_and_gets_no_further_work(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(pass_mark=1.0, qualification_attempts=1)
    project.refresh_from_db()
    done = simulate_annotators(project=project, annotators=3, noise=5.0, seed=3)
    assert "normal" not in done.purposes
    states = set(QualificationAttempt.objects.filter(project=project).values_list("state", flat=True))
    assert states == {"failed"}


def test_all_of_it_is_marked_as_simulated(project: Project) -> None:
    simulate_annotators(project=project, annotators=2, noise=0.0, seed=1)
    people = User.objects.filter(judgments__project=project).distinct()
    assert {person.origin for person in people} == {"simulated"}
