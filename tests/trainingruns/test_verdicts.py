"""What people say of a policy."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotation.agreement.wilson import wilson_interval
from annotation.models import Judgment, Project, Prompt, Response, Task, TaskResponse, User
from tests.trainingruns.rivals import QUESTIONS, answer_all, follow, rank
from trainingruns.models import ModelVersion, Run
from trainingruns.selectors import verdicts
from trainingruns.selectors.verdicts import human_verdicts, share_won
from trainingruns.services import comparisons


def test_every_pair_of_ours_and_theirs_counts_and_ties_half() -> None:
    assert share_won([["a"], ["x"]], ours=["a"], theirs=["x"]) == 1.0
    assert share_won([["a", "x"]], ours=["a"], theirs=["x"]) == 0.5
    assert share_won([["a"], ["x"], ["b"]], ours=["a", "b"], theirs=["x"]) == 0.5
    assert share_won([["a"]], ours=["a"], theirs=["x"]) is None


def test_blind_tasks_are_counted_task_by_task(project: Project, base_model: ModelVersion) -> None:
    version = ModelVersion.objects.create(
        project=project, kind="policy", name="p-policy", number=1, parent=base_model, artifact="runs/1/model"
    )
    run = Run.objects.create(
        project=project, kind="sample", base_version=version,
        purpose={"then": "serve_blind_tasks", "against": base_model.pk},
    )  # fmt: skip
    people = [User.objects.create(username=f"u{number}") for number in range(3)]
    for number, answers in enumerate([[["new"], ["old"]], [["new"], ["old"]], [["old"], ["new"]]]):
        task = make_blind_task(project, run, number)
        Judgment.objects.create(project=project, task=task, annotator=people[0], kind="ranking", tiers=answers)
    # The second person ties on the third task: half a task won there.
    third = Task.objects.order_by("-id").first()
    Judgment.objects.create(project=project, task=third, annotator=people[1], kind="ranking", tiers=[["new", "old"]])
    make_blind_task(project, run, 9)
    [verdict] = human_verdicts(version=version).told
    assert verdict.value == pytest.approx((1 + 1 + 0.25) / 3)
    assert (verdict.tasks, verdict.waiting, verdict.judgments, verdict.simulated) == (3, 1, 4, 0)
    assert verdict.rival == base_model and verdict.origins == (f"run:{run.pk}",)
    assert verdict.label == "the reference, base v1"
    assert (verdict.low, verdict.high) == pytest.approx(wilson_interval(2.25, 3))
    assert human_verdicts(version=base_model).told == []


def test_both_policies_tell_the_same_comparison_whichever_challenged_the_other(
    champion: ModelVersion, base_model: ModelVersion, prompts: list[Prompt],
    make_policy: Callable[..., ModelVersion], artifacts: Path,
) -> None:  # fmt: skip
    version, person = make_policy(2), User.objects.create(username="judge")
    runs = []
    for challenger, rival in ((version, champion), (champion, version)):
        runs.append(comparisons.compare_policies(version=challenger, rival=rival, responses=QUESTIONS).run)
        answer_all(artifacts)
    for task in Task.objects.filter(origin=runs[0].origin):
        rank(task, person, wins="p-policy/2")
    for task in Task.objects.filter(origin=runs[1].origin)[:2]:
        rank(task, person, wins="p-policy/1")
    [ours], [theirs] = human_verdicts(version=version).told, human_verdicts(version=champion).told
    assert (ours.rival, theirs.rival) == (champion, version)
    assert (ours.label, theirs.label) == ("the champion, p-policy v1", "p-policy v2")
    assert ours.value == pytest.approx(2 / 3)
    assert (theirs.value, theirs.low, theirs.high) == pytest.approx((1 - 2 / 3, 1 - ours.high, 1 - ours.low))
    for verdict in (ours, theirs):
        assert (verdict.tasks, verdict.waiting, verdict.judgments) == (5, 1, 5)
        assert verdict.origins == (runs[1].origin, runs[0].origin)
    # Its readers come from other projects too.
    comparisons.compare_policies(version=version, rival=base_model, responses=QUESTIONS)
    answer_all(artifacts)
    assert len(human_verdicts(version=version).told) == 2 and human_verdicts(version=base_model).told == []


def test_a_rival_among_several_tells_its_own_tasks_alone(
    champion: ModelVersion, prompts: list[Prompt], make_policy: Callable[..., ModelVersion], artifacts: Path
) -> None:
    parent = make_policy(2)
    version = make_policy(3, parent=parent, purpose={"against": "both"})
    sampling = follow(version)
    answer_all(artifacts)
    for rival, origin in ((parent, sampling.origin), (champion, f"{sampling.origin}:{champion.pk}")):
        [verdict] = human_verdicts(version=rival).told
        assert (verdict.rival, verdict.waiting, verdict.origins) == (version, QUESTIONS, (origin,))


def test_verdicts_over_many_rivals_take_no_more_queries(
    champion: ModelVersion, prompts: list[Prompt], make_policy: Callable[..., ModelVersion], artifacts: Path
) -> None:
    counts = []
    for number in range(2, 5):
        comparisons.compare_policies(version=make_policy(number), rival=champion, responses=QUESTIONS)
        answer_all(artifacts)
        with CaptureQueriesContext(connection) as queries:
            assert len(human_verdicts(version=champion).told) == number - 1
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2] <= 6


def test_of_many_rivals_the_reference_and_those_asked_about_last_are_told(
    base_model: ModelVersion, prompts: list[Prompt], make_policy: Callable[..., ModelVersion],
    artifacts: Path, signed_in: Callable[[str | None], Client], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(verdicts, "MOST_RIVALS", 2)
    version = make_policy(1)
    comparisons.compare_policies(version=version, rival=base_model, responses=QUESTIONS)
    challengers = [make_policy(number) for number in range(2, 7)]
    for challenger in challengers:
        comparisons.compare_policies(version=challenger, rival=version, responses=QUESTIONS)
    answer_all(artifacts)
    found = human_verdicts(version=version)
    assert [verdict.rival for verdict in found.told] == [base_model, challengers[4], challengers[3]]
    assert found.untold == 3
    page = signed_in("reviewer").get(f"/models/{version.pk}/").content.decode()
    assert "compared with 3 more policies before" in page
    assert [verdict.rival for verdict in human_verdicts(version=challengers[0]).told] == [version]


def make_blind_task(project: Project, run: Run, number: int) -> Task:
    prompt = Prompt.objects.create(project=project, external_id=f"q{number}", messages=[])
    task = Task.objects.create(
        project=project, prompt=prompt, external_id=f"q{number}@run", kind="ranking", origin=f"run:{run.pk}"
    )
    for place, (key, source) in enumerate((("new", "p-policy/1"), ("old", "base/1"))):
        response = Response.objects.create(prompt=prompt, key=key, text=key, source=source)
        TaskResponse.objects.create(task=task, response=response, position=place)
    return task
