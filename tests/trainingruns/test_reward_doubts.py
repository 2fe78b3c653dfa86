"""A run whose reward model may be no better than chance says so, on its page and where it is started."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from annotation.models import Project
from trainingruns.models import ModelVersion, Run
from trainingruns.selectors.reward_doubts import doubts_about_rewards
from trainingruns.services.registry import crown, register_version
from trainingruns.services.snapshots import create_snapshot

GOOD = {"accuracy": {"value": 0.7, "low": 0.6, "high": 0.8, "n": 100, "prompts": 50}}
CHANCE = {"accuracy": {"value": 0.55, "low": 0.4, "high": 0.7, "n": 40, "prompts": 12}}
FEW = {"accuracy": {"value": 1.0, "low": None, "high": None, "n": 4, "prompts": 2}}

MakeReward = Callable[[dict[str, Any]], ModelVersion]


@pytest.fixture
def make_reward(project: Project, base_model: ModelVersion) -> MakeReward:
    def make(metrics: dict[str, Any]) -> ModelVersion:
        return register_version(
            kind="reward", name="r", artifact="base", sha256="", project=project, metrics=metrics
        )  # fmt: skip

    return make


@pytest.mark.parametrize(
    ("metrics", "doubt"),
    [
        (GOOD, None),
        (CHANCE, "Reward model r v1 is not clearly above chance: it is right on 55.0% of held-out pairs "
                 "(40.0% to 70.0%); a policy may learn noise"),
        (FEW, "Reward model r v1 is not clearly above chance: 2 held-out prompts are too few to tell; "),
        ({}, "Nobody has measured how often reward model r v1 is right on held-out pairs: "),
    ],
)  # fmt: skip
def test_the_page_says_what_speaks_against_the_reward_model(
    make_run: Callable[..., Run], make_reward: MakeReward, signed_in: Callable[[str | None], Client],
    metrics: dict[str, Any], doubt: str | None,
) -> None:  # fmt: skip
    run = make_run(kind="grpo", reward_version=make_reward(metrics), config={"kind": "grpo", "reward": {}})
    page = signed_in("reviewer").get(f"/runs/{run.pk}/").content.decode()
    assert (doubt or "name a better one") in page or doubt is None
    assert ("name a better one" in page) == (doubt is not None)


def test_each_reward_model_of_several_is_looked_at_and_one_that_counts_nothing_is_not(
    make_run: Callable[..., Run], make_reward: MakeReward
) -> None:
    good, chance = make_reward(GOOD), make_reward(CHANCE)
    config = {"kind": "grpo", "reward": {"model_weight": 1.0}}
    run = make_run(kind="grpo", reward_version=good, config=config, purpose={"ensemble": [chance.pk]})
    assert ["r v2" in doubt for doubt in doubts_about_rewards(run)] == [True]
    idle = make_run(kind="grpo", reward_version=chance, config={"kind": "grpo", "reward": {"model_weight": 0.0}})
    assert doubts_about_rewards(idle) == []
    assert doubts_about_rewards(make_run()) == []


def test_without_a_champion_the_newest_is_taken_and_the_command_warns(
    project: Project, make_reward: MakeReward, judge: Callable[..., None]
) -> None:
    judge("one"), judge("two")
    snapshot = create_snapshot(project=project)
    make_reward(GOOD)
    newest = make_reward(CHANCE)

    def start(*words: str) -> tuple[Run, str]:
        errors = StringIO()
        call_command("run", "grpo", "--snapshot", str(snapshot.pk), *words, stdout=StringIO(), stderr=errors)
        return Run.objects.latest("pk"), errors.getvalue()

    run, told = start()
    assert run.reward_version == newest and "Reward model r v2 is not clearly above chance" in told
    _, told = start("--reward", "r/1")
    assert "Reward model" not in told
    crown(version=ModelVersion.objects.get(kind="reward", number=1))
    run, told = start()
    assert (run.reward_version.number, told) == (1, "")  # type: ignore[union-attr]


def test_the_api_says_it_of_a_run_that_is_started_or_asked_for(
    project: Project, make_reward: MakeReward, judge: Callable[..., None], api: APIClient
) -> None:
    judge("one"), judge("two")
    snapshot = create_snapshot(project=project)
    for metrics, count in ((GOOD, 0), (CHANCE, 1)):
        body = {"kind": "grpo", "snapshot_id": snapshot.pk, "reward_version_id": make_reward(metrics).pk}
        started = api.post(f"/api/v1/projects/{project.slug}/runs", body, format="json")
        assert (started.status_code, len(started.json()["reward_doubts"])) == (201, count), started.content
        asked = api.get(f"/api/v1/runs/{started.json()['id']}").json()["reward_doubts"]
        assert asked == started.json()["reward_doubts"]
        assert ["is not clearly above chance" in doubt for doubt in asked] == [True] * count
