"""The next link of the chain: what a finished run starts, as its purpose says."""

import math
from typing import Any

from annotation.exceptions import ApplicationError
from annotation.models import Project, Prompt, User
from trainingruns.models import Loop, ModelVersion, Run
from trainingruns.services import serving
from trainingruns.services.runs import BASE_NAME, default_base, start_run

SPARE = 1.2
"""Responses that turn out equal make no task, so more are sampled than are wanted."""
RESPONSES_TO_SERVE = 50
MAX_PER_PROMPT = 4


def after_reward_champion(*, run: Run, version: ModelVersion) -> str:
    """Under a standing order, a reward model that became champion trains a policy."""
    loop = Loop.objects.filter(project=run.project, is_enabled=True, then_train_policy=True).first()
    if loop is None or run.purpose.get("by") != "loop":
        return ""
    policy_run = start_run(
        project=run.project,
        kind=loop.policy_kind,
        snapshot=run.snapshot,
        reward_version=version,
        config=loop.policy_config,
        purpose={"by": "loop", "then": "serve_blind_tasks", "responses": loop.responses_to_serve},
    )
    return f"The standing order trains a policy with it in run {policy_run.pk}."


def after_policy(*, run: Run, version: ModelVersion) -> str:
    """A policy whose run was started to serve blind tasks now answers the project's prompts."""
    if run.purpose.get("then") != "serve_blind_tasks":
        return ""
    if run.project.kind != "ranking":
        return "It makes no blind tasks: people of this project score single responses, they don't rank them."
    sampling = start_blind_sampling(
        version=version,
        project=run.project,
        responses=run.purpose.get("responses", RESPONSES_TO_SERVE),
        sampling=run.purpose.get("sampling"),
    )
    rival = ModelVersion.objects.get(pk=sampling.purpose["against"])
    return f"It answers the project's prompts in run {sampling.pk}; people then rank it blindly against {rival}."


def start_blind_sampling(
    *,
    version: ModelVersion,
    project: Project,
    responses: int,
    sampling: dict[str, Any] | None = None,
    created_by: User | None = None,
) -> Run:
    """A sample run of a policy whose responses become blind tasks against the champion's, else its parent's.

    responses: how many new ones people should see at least. sampling: laid over the recipe's section.
    """
    rival = default_base(project=project, kind=Run.Kind.SAMPLE)
    if rival is None or rival.pk == version.pk:
        rival = version.parent
    if rival is None:
        raise ApplicationError(f"There is nothing to compare {version} with.", code="no_rival")
    prompts = serving.prompts_to_serve(project=project, limit=math.ceil(responses * SPARE))
    each = min(MAX_PER_PROMPT, math.ceil(responses * SPARE / max(1, len(prompts))))
    return start_run(
        project=project,
        kind=Run.Kind.SAMPLE,
        base_version=version,
        created_by=created_by,
        # Policies that are much alike give the same texts under the same seed, and nobody can rank those.
        config={"seed": 2 * version.pk, "sampling": {**(sampling or {}), "responses_per_prompt": each}},
        purpose={"then": "serve_blind_tasks", "prompt_ids": prompts, "against": rival.pk},
    )


def start_sample_run(
    *,
    project: Project,
    policy: ModelVersion,
    prompts: list[Prompt],
    samples_per_prompt: int,
    then: str = "make_ranking_tasks",
    created_by: User | None = None,
) -> Run:
    """A run that answers prompts; with `make_ranking_tasks` people can rank each prompt as soon as it is answered."""
    return start_run(
        project=project,
        kind=Run.Kind.SAMPLE,
        base_version=policy,
        created_by=created_by,
        config={"sampling": {"responses_per_prompt": samples_per_prompt}},
        purpose={"then": then, "prompt_ids": [prompt.pk for prompt in prompts]},
    )


def after_sample(*, run: Run) -> str:
    """Responses become tasks; a rival that hasn't answered these prompts yet is sampled first."""
    then = run.purpose.get("then")
    if then == "make_ranking_tasks":
        return f"{serving.count_tasks(run=run)} ranking tasks are made from its responses."
    if then != "serve_blind_tasks":
        return ""
    challenger = Run.objects.get(pk=run.purpose.get("challenger_run", run.pk))
    rival = ModelVersion.objects.get(pk=run.purpose["against"])
    missing = serving.prompts_without_rival(challenger=challenger, rival=rival)
    if missing and challenger.pk == run.pk:
        sampling = _sample_rival(run, rival, missing)
        return f"{rival} answers the same prompts in run {sampling.pk} first."
    tasks = serving.serve_blind_tasks(run=challenger)
    return f"{len(tasks)} blind tasks wait for people: {challenger.base_version} against {rival}."


def _sample_rival(run: Run, rival: ModelVersion, prompt_ids: list[int]) -> Run:
    purpose = {"then": "serve_blind_tasks", "prompt_ids": prompt_ids, "against": rival.pk, "challenger_run": run.pk}
    return start_run(
        project=run.project,
        kind=Run.Kind.SAMPLE,
        base_version=rival,
        config={"seed": run.config["seed"] + 1, "sampling": run.config["sampling"]},
        purpose=purpose,
    )


def fetch_base_model(*, project: Project, purpose: dict[str, Any] | None = None, created_by: User | None = None) -> Run:
    """A run that brings the base model; one that is on its way already is returned again."""
    on_the_way = Run.objects.filter(kind=Run.Kind.FETCH, project=project, state__in=["queued", "running"]).first()
    return on_the_way or start_run(
        project=project, kind=Run.Kind.FETCH, purpose={"name": BASE_NAME, **(purpose or {})}, created_by=created_by
    )


def after_fetch(*, run: Run, version: ModelVersion) -> str:
    """The demo's prompts are answered as soon as there is a model to answer them."""
    if run.purpose.get("then") != "answer_prompts":
        return ""
    prompts = list(Prompt.objects.filter(pk__in=run.purpose["prompt_ids"]).order_by("id"))
    sampling = start_sample_run(
        project=run.project, policy=version, prompts=prompts, samples_per_prompt=run.purpose["samples_per_prompt"]
    )
    return f"It answers the project's prompts in run {sampling.pk}."
