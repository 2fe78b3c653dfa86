"""Whom people compare a policy with: once its run has ended, and whenever somebody asks."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.agreement.wilson import wilson_interval
from annotation.exceptions import ApplicationError, NotPermitted
from annotation.models import Membership, Project, Prompt, Task, User
from tests.trainingruns.rivals import QUESTIONS, answer, answer_all, follow, rank, sources
from trainingruns.models import ModelVersion, Run
from trainingruns.selectors.rivals import possible_rivals
from trainingruns.selectors.verdicts import human_verdicts
from trainingruns.services import comparisons, registry
from trainingruns.services.followups import after_sample


@pytest.mark.parametrize(
    ("against", "names"),
    [(None, ["p-policy v1"]), ("champion", ["p-policy v1"]), ("reference", ["base v1"]),
     ("both", ["base v1", "p-policy v1"])],
)  # fmt: skip
def test_a_new_policy_is_compared_with_whom_its_run_names(
    against: str | None, names: list[str], champion: ModelVersion, prompts: list[Prompt],
    make_policy: Callable[..., ModelVersion],
) -> None:  # fmt: skip
    sampling = follow(make_policy(2, purpose={"against": against} if against else {}))
    rivals = ModelVersion.objects.in_bulk(sampling.rival_version_ids)
    assert [str(rivals[key]) for key in sampling.rival_version_ids] == names
    assert set(sampling.purpose["prompt_ids"]) == {prompt.pk for prompt in prompts}


@pytest.mark.parametrize("against", ["champion", "reference", "both"])
def test_without_another_champion_all_words_mean_the_reference(
    against: str, prompts: list[Prompt], base_model: ModelVersion, make_policy: Callable[..., ModelVersion]
) -> None:
    assert follow(make_policy(1, purpose={"against": against})).rival_version_ids == [base_model.pk]


def test_a_run_that_started_from_the_champion_has_one_rival(
    champion: ModelVersion, prompts: list[Prompt], make_policy: Callable[..., ModelVersion]
) -> None:
    version = make_policy(2, parent=champion, purpose={"against": "both"})
    assert follow(version).rival_version_ids == [champion.pk]


def test_a_repeated_end_starts_nothing_twice(
    champion: ModelVersion, prompts: list[Prompt], make_policy: Callable[..., ModelVersion], artifacts: Path
) -> None:
    version = make_policy(2, purpose={"against": "both"})
    sampling = follow(version)
    assert follow(version) == sampling
    assert answer(sampling, artifacts) == answer(sampling, artifacts)
    assert Run.objects.filter(kind="sample").count() == 1 + 2
    answer_all(artifacts)
    answer_all(artifacts)
    for run in Run.objects.filter(kind="sample"):
        answer(run, artifacts)
    assert Task.objects.count() == 2 * QUESTIONS


@pytest.mark.parametrize("state", ["queued", "running"])
@pytest.mark.parametrize("against", ["champion", "both"])
def test_asking_again_starts_nothing_while_the_rival_still_answers(
    against: str, state: str, champion: ModelVersion, prompts: list[Prompt],
    make_policy: Callable[..., ModelVersion], artifacts: Path,
) -> None:  # fmt: skip
    version = make_policy(2, purpose={"against": against})
    sampling = follow(version)
    answer(sampling, artifacts)
    Run.objects.filter(pk=sampling.pk).update(state="succeeded")
    rivals = Run.objects.filter(purpose__challenger_run=sampling.pk)
    assert {run.state for run in rivals} == {"queued"}
    rivals.exclude(base_version=champion).update(state="succeeded")
    rivals.filter(base_version=champion).update(state=state)
    again = comparisons.compare_policies(version=version, rival=champion)
    assert (again.run, again.is_new) == (sampling, False)
    rivals.update(state="failed")
    assert comparisons.compare_policies(version=version, rival=champion).is_new


def test_who_challenges_makes_no_difference_while_either_still_answers(
    champion: ModelVersion, prompts: list[Prompt], make_policy: Callable[..., ModelVersion], artifacts: Path
) -> None:
    version = make_policy(2)
    asked = comparisons.compare_policies(version=version, rival=champion).run
    for _ in range(2):
        again = comparisons.compare_policies(version=champion, rival=version)
        assert (again.run, again.is_new) == (asked, False)
        # The second time the champion answers the challenger's prompts.
        answer(asked, artifacts)
        Run.objects.filter(pk=asked.pk).update(state="succeeded")
    assert Run.objects.filter(kind="sample", base_version=champion, state="queued").count() == 1
    answer_all(artifacts)
    assert comparisons.compare_policies(version=champion, rival=version).is_new


def test_a_run_of_one_rival_says_nothing_of_another(
    champion: ModelVersion, base_model: ModelVersion, prompts: list[Prompt],
    make_policy: Callable[..., ModelVersion], artifacts: Path,
) -> None:  # fmt: skip
    version = make_policy(2, purpose={"against": "both"})
    sampling = follow(version)
    answer(sampling, artifacts)
    Run.objects.filter(pk=sampling.pk).update(state="succeeded")
    Run.objects.filter(base_version=champion, kind="sample").update(state="succeeded")
    assert comparisons.compare_policies(version=version, rival=base_model).run == sampling
    assert comparisons.compare_policies(version=version, rival=champion).is_new


def test_a_run_that_names_no_rival_ends_well_and_asks_nobody(
    make_run: Callable[..., Run], champion: ModelVersion
) -> None:
    run = make_run(base_version=champion, purpose={"then": "serve_blind_tasks"})
    assert run.rival_version_ids == []
    assert after_sample(run=run) == "It names no rival, so people have nothing to compare its responses with."
    assert human_verdicts(version=champion).told == []


def test_one_sampling_is_served_against_each_rival_in_tasks_of_their_own(
    champion: ModelVersion, prompts: list[Prompt], make_policy: Callable[..., ModelVersion], artifacts: Path
) -> None:
    version = make_policy(2, purpose={"against": "both"})
    sampling = follow(version)
    said = answer(sampling, artifacts)
    assert said.count("answers the same prompts in run") == 2
    rivals = Run.objects.filter(purpose__challenger_run=sampling.pk)
    assert {run.base_version_id: run.rival_version_ids for run in rivals} == {
        key: [key] for key in sampling.rival_version_ids
    }
    answer_all(artifacts)
    by_origin: dict[str, list[set[str]]] = {}
    for task in Task.objects.all():
        by_origin.setdefault(task.origin, []).append(sources(task))
        assert task.priority == 1.0
    assert by_origin == {
        f"run:{sampling.pk}": [{"p-policy/2", "base/1"}] * QUESTIONS,
        f"run:{sampling.pk}:{champion.pk}": [{"p-policy/2", "p-policy/1"}] * QUESTIONS,
    }
    ours = {text for text in Task.objects.values_list("task_responses__response__text", flat=True) if "v2" in text}
    assert len(ours) == sampling.config["sampling"]["responses_per_prompt"]


def test_verdicts_name_each_rival_by_its_role_and_count_all_times_together(
    champion: ModelVersion, prompts: list[Prompt], base_model: ModelVersion,
    make_policy: Callable[..., ModelVersion], artifacts: Path,
) -> None:  # fmt: skip
    version = make_policy(2, purpose={"against": "both"})
    first = follow(version)
    answer_all(artifacts)
    person = User.objects.create(username="judge")
    for task in Task.objects.all():
        rank(task, person, wins="base/1" if task.origin == f"run:{first.pk}" else "p-policy/2")
    over_reference, over_champion = human_verdicts(version=version).told
    assert (over_reference.label, over_champion.label) == ("the reference, base v1", "the champion, p-policy v1")
    assert (over_reference.value, over_champion.value) == (0.0, 1.0)
    assert (over_champion.low, over_champion.high) == wilson_interval(QUESTIONS, QUESTIONS)

    again = comparisons.compare_policies(version=version, rival=champion, responses=QUESTIONS).run
    answer_all(artifacts)
    for task in Task.objects.filter(origin=f"run:{again.pk}")[:2]:
        rank(task, person, wins="p-policy/1")
    registry.crown(version=version)
    over_reference, over_champion = human_verdicts(version=version).told
    assert over_champion.label == "the champion of that time, p-policy v1"
    # Two prompts were won and then lost, one was only won; three prompts are three facts, however often asked about.
    assert over_champion.value == pytest.approx(2 / 3)
    assert (over_champion.tasks, over_champion.waiting) == (5, 1)
    assert (over_champion.low, over_champion.high) == pytest.approx(wilson_interval(2, QUESTIONS))
    assert over_champion.origins == (f"run:{again.pk}", f"run:{first.pk}:{champion.pk}")


def test_a_policy_that_is_the_champion_and_the_reference_is_named_once(
    champion: ModelVersion, prompts: list[Prompt], make_policy: Callable[..., ModelVersion], artifacts: Path
) -> None:
    version = make_policy(2, parent=champion, purpose={"against": "both"})
    follow(version)
    answer_all(artifacts)
    [verdict] = human_verdicts(version=version).told
    assert verdict.label == "the reference and the champion, p-policy v1"
    assert (verdict.value, verdict.waiting) == (None, QUESTIONS)


def test_other_seeds_are_drawn_each_time(
    champion: ModelVersion, prompts: list[Prompt], make_policy: Callable[..., ModelVersion], artifacts: Path
) -> None:
    version = make_policy(2)
    runs = []
    for _ in range(2):
        runs.append(comparisons.compare_policies(version=version, rival=champion, responses=QUESTIONS).run)
        answer_all(artifacts)
    seeds = {run.config["seed"] for run in runs}
    assert len(seeds) == 2 and not seeds & {seed + 1 for seed in seeds}
    texts = Task.objects.values_list("task_responses__response__text", flat=True)
    assert len({text for text in texts if "v2" in text}) == 2 * runs[0].config["sampling"]["responses_per_prompt"]


def test_possible_rivals_are_in_use_and_the_champion_and_the_reference_come_first(
    champion: ModelVersion, base_model: ModelVersion, make_policy: Callable[..., ModelVersion]
) -> None:
    older = make_policy(2)
    make_policy(3, stage="archived")
    other = Project.objects.create(slug="other", name="O", kind="ranking")
    make_policy(1, project=other, name="other-policy")
    newest = make_policy(5)
    assert list(possible_rivals(version=make_policy(4))) == [champion, base_model, newest, older]
    assert possible_rivals(version=champion).first() == base_model
    assert not possible_rivals(version=base_model).exists()


@pytest.mark.parametrize("code", ["version_archived", "rival_archived"])
def test_what_is_archived_while_somebody_asks_is_refused(
    code: str, champion: ModelVersion, prompts: list[Prompt], make_policy: Callable[..., ModelVersion]
) -> None:
    version = make_policy(2)
    late = version if code == "version_archived" else champion
    ModelVersion.objects.filter(pk=late.pk).update(stage="archived")
    assert late.stage != "archived"
    with CaptureQueriesContext(connection) as queries, pytest.raises(ApplicationError) as found:
        comparisons.compare_policies(version=version, rival=champion)
    assert found.value.code == code
    locks = [query["sql"] for query in queries if "FOR NO KEY UPDATE" in query["sql"]]
    assert len(locks) == 1 and f"({version.pk}, {champion.pk})" in locks[0]


@pytest.mark.parametrize("code", ["same_version", "rival_archived", "other_project", "not_a_policy"])
def test_rivals_that_are_none_are_refused_at_their_field(
    code: str, champion: ModelVersion, refused: dict[str, ModelVersion], prompts: list[Prompt]
) -> None:
    with pytest.raises(ApplicationError) as found:
        comparisons.compare_policies(version=champion, rival=refused[code])
    assert (found.value.code, found.value.extra) == (code, {"field": "against_version_id"})
    assert not Run.objects.filter(kind="sample").exists()


def test_challengers_that_are_none_are_refused(
    champion: ModelVersion, refused: dict[str, ModelVersion], base_model: ModelVersion, project: Project
) -> None:
    cases = {
        "no_project": (base_model, {}),
        "version_archived": (refused["rival_archived"], {}),
        "not_a_policy": (refused["not_a_policy"], {}),
        "bad_responses": (champion, {"responses": 0}),
        "no_prompts": (champion, {}),
    }
    for code, (version, options) in cases.items():
        rival = champion if version == base_model else base_model
        with pytest.raises(ApplicationError) as found:
            comparisons.compare_policies(version=version, rival=rival, **options)
        assert found.value.code == code
    Project.objects.filter(pk=project.pk).update(kind="scalar")
    with pytest.raises(ApplicationError, match="score single responses and rank none"):
        comparisons.compare_policies(
            version=ModelVersion.objects.get(pk=champion.pk), rival=base_model, responses=QUESTIONS
        )


def test_only_managers_compare(champion: ModelVersion, base_model: ModelVersion, prompts: list[Prompt]) -> None:
    reviewer = User.objects.create(username="r")
    assert champion.project is not None
    Membership.objects.create(project=champion.project, user=reviewer, role="reviewer")
    with pytest.raises(NotPermitted):
        comparisons.compare_policies(version=champion, rival=base_model, created_by=reviewer)
