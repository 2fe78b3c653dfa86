"""The next link of the chain: what a finished run starts, as its purpose says."""

from typing import Any

from annotation.models import Project, Prompt, User
from trainingruns.models import Loop, ModelVersion, Run
from trainingruns.services import comparisons, serving
from trainingruns.services.runs import BASE_NAME, start_run
from trainingruns.wishes import MAKE_RANKING_TASKS, SERVE_BLIND_TASKS, serving_purpose


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
        purpose={
            "by": "loop",
            **serving_purpose(loop.policy_kind, wanted=True),
            "responses": loop.responses_to_serve,
        },
    )
    return f"The standing order trains a policy with it in run {policy_run.pk}."


def after_policy(*, run: Run, version: ModelVersion) -> str:
    """A policy whose run was started to serve blind tasks now answers the project's prompts."""
    if run.purpose.get("then") != SERVE_BLIND_TASKS:
        return ""
    if run.project.kind != "ranking":
        return "It makes no blind tasks: people of this project score single responses, they don't rank them."
    sampling = comparisons.compare_new_policy(run=run, version=version)
    rivals = ModelVersion.objects.in_bulk(sampling.rival_version_ids)
    names = " and against ".join(str(rivals[key]) for key in sampling.rival_version_ids)
    return f"It answers the project's prompts in run {sampling.pk}; people then rank it blindly against {names}."


def start_sample_run(
    *,
    project: Project,
    policy: ModelVersion,
    prompts: list[Prompt],
    samples_per_prompt: int,
    then: str = MAKE_RANKING_TASKS,
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
    """Responses become tasks: for people to rank as they are, or beside those of rivals."""
    then = run.purpose.get("then")
    if then == MAKE_RANKING_TASKS:
        return f"{serving.count_tasks(run=run)} ranking tasks are made from its responses."
    return comparisons.serve_or_sample_rivals(run=run) if then == SERVE_BLIND_TASKS else ""


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
