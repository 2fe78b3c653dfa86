"""A policy is put before people: it answers the project's prompts, so do its rivals, and all is ranked blindly."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import FeedbackKind, Membership, Project, User
from annotation.permissions import require_role
from trainingruns.models import ModelVersion, Run
from trainingruns.selectors.challenges import challenge_on_the_way, challenges_by
from trainingruns.selectors.rivals import reference_of, rival_champion
from trainingruns.services import serving
from trainingruns.services.runs import start_run
from trainingruns.wishes import AGAINST_BOTH, AGAINST_CHAMPION, AGAINST_REFERENCE, SERVE_BLIND_TASKS

SPARE = 1.2
"""Responses that turn out equal make no task, so more are sampled than are wanted."""
RESPONSES_TO_SERVE = 50
MOST_RESPONSES = 10_000
MAX_PER_PROMPT = 4
SEEDS_APART = 1_000_003
"""Between the seeds of comparisons of one policy; more than there are versions, so that no two share theirs."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of a request to compare two policies."""

    run: Run
    """The challenger's sample run, from which all else follows."""
    is_new: bool
    """False when it, or the rival's run that follows from it, was on its way already."""


def compare_new_policy(*, run: Run, version: ModelVersion) -> Run:
    """The sample run of the policy that a run has made, against the rivals that its purpose names.

    Asked again, it gives the run that is there. Raises: ApplicationError `no_rival`, `no_prompts`.
    """
    known = challenges_by(version).filter(purpose__of_run=run.pk).first()
    return known or _start_comparison(
        version=version,
        project=run.project,
        rivals=choose_rivals(version=version, against=run.purpose.get("against", AGAINST_CHAMPION)),
        responses=run.purpose.get("responses", RESPONSES_TO_SERVE),
        sampling=run.purpose.get("sampling"),
        of_run=run,
    )


def choose_rivals(*, version: ModelVersion, against: str) -> list[ModelVersion]:
    """The rivals that a word of `wishes.AGAINST` stands for, each once; where there is no champion, the reference.

    Raises: ApplicationError `no_rival` where there is neither.
    """
    reference, champion = reference_of(version), rival_champion(version)
    wanted = {
        AGAINST_CHAMPION: [champion or reference],
        AGAINST_REFERENCE: [reference],
        AGAINST_BOTH: [reference, champion],
    }[against]
    rivals = list(dict.fromkeys(each for each in wanted if each is not None))
    if not rivals:
        raise ApplicationError(f"There is nothing to compare {version} with.", code="no_rival")
    return rivals


@transaction.atomic
def compare_policies(
    *,
    version: ModelVersion,
    rival: ModelVersion,
    responses: int = RESPONSES_TO_SERVE,
    created_by: User | None = None,
) -> Comparison:
    """A policy answers prompts in a sample run, and people then compare its responses with another policy's.

    responses: how many new ones people should see at least; a prompt gets four at most. While the run, or that of the
    rival that follows from it, is on its way it is returned again, so a request that is repeated starts nothing twice.
    Raises: NotFound, NotPermitted; ApplicationError whose code says what cannot be compared, and whose
    `extra["field"]` names the field at fault where there is one.
    """
    version, rival = _lock(version, rival)
    project = check_challenger(version)
    if created_by is not None:
        require_role(user=created_by, project=project, role=Membership.Role.MANAGER)
    _check_rival(version, rival, project)
    if not 1 <= responses <= MOST_RESPONSES:
        raise _refusal("bad_responses", f"responses: from 1 to {MOST_RESPONSES}, got {responses}.", "responses")
    on_the_way = challenge_on_the_way(version=version, rival=rival)
    if on_the_way is not None:
        return Comparison(on_the_way, is_new=False)
    run = _start_comparison(
        version=version, project=project, rivals=[rival], responses=responses, created_by=created_by
    )
    return Comparison(run, is_new=True)


def check_challenger(version: ModelVersion) -> Project:
    """The project whose people are asked about a policy. Raises: ApplicationError where nobody can be."""
    if version.kind != ModelVersion.Kind.POLICY:
        raise _refusal("not_a_policy", f"{version} answers no prompts: only policies are compared by people.")
    if version.project is None:
        raise _refusal(
            "no_project",
            f"{version} is a base model and belongs to no project. Compare one of a project's own policies with it.",
        )
    if version.stage == ModelVersion.Stage.ARCHIVED:
        raise _refusal("version_archived", f"{version} is archived; only versions in use are put before people.")
    if version.project.kind != FeedbackKind.RANKING:
        raise _refusal(
            "wrong_kind",
            f"People of {version.project} score single responses and rank none, so they cannot compare policies.",
        )
    return version.project


def serve_or_sample_rivals(*, run: Run) -> str:
    """After a sample run of a comparison: tasks for people, or first the run of a rival that lacks answers."""
    challenger = Run.objects.select_related("base_version").get(pk=run.purpose.get("challenger_run", run.pk))
    if not run.rival_version_ids:
        return "It names no rival, so people have nothing to compare its responses with."
    rivals = ModelVersion.objects.in_bulk(run.rival_version_ids)
    return " ".join(_serve_or_sample(run, challenger, rivals[key]) for key in run.rival_version_ids)


def _serve_or_sample(run: Run, challenger: Run, rival: ModelVersion) -> str:
    missing = serving.prompts_without_rival(challenger=challenger, rival=rival)
    if missing and challenger.pk == run.pk:
        sampling = _sample_rival(run, rival, missing)
        return f"{rival} answers the same prompts in run {sampling.pk} first."
    tasks = serving.serve_blind_tasks(run=challenger, rival=rival)
    return f"{len(tasks)} blind tasks wait for people: {challenger.base_version} against {rival}."


def _sample_rival(run: Run, rival: ModelVersion, prompt_ids: list[int]) -> Run:
    known = Run.objects.filter(kind=Run.Kind.SAMPLE, base_version=rival, purpose__challenger_run=run.pk).first()
    if known is not None:
        return known
    purpose = {"then": SERVE_BLIND_TASKS, "prompt_ids": prompt_ids, "rivals": [rival.pk], "challenger_run": run.pk}
    return start_run(
        project=run.project,
        kind=Run.Kind.SAMPLE,
        base_version=rival,
        config={"seed": run.config["seed"] + 1, "sampling": run.config["sampling"]},
        purpose=purpose,
    )


def _start_comparison(
    *,
    version: ModelVersion,
    project: Project,
    rivals: Sequence[ModelVersion],
    responses: int,
    sampling: dict[str, Any] | None = None,
    of_run: Run | None = None,
    created_by: User | None = None,
) -> Run:
    """sampling: laid over the recipe's section. of_run: the run that has made the policy, where that asks for it."""
    prompts = serving.prompts_to_serve(project=project, limit=math.ceil(responses * SPARE))
    if not prompts:
        raise _refusal("no_prompts", f"{project} has no prompts that {version} could answer. Import some first.")
    each = min(MAX_PER_PROMPT, math.ceil(responses * SPARE / len(prompts)))
    # Policies that are much alike give the same texts under the same seed, and nobody can rank those. The same policy
    # gives them again, and that would ask people twice.
    seed = 2 * (version.pk + SEEDS_APART * challenges_by(version).count())
    champion = rival_champion(version)
    return start_run(
        project=project,
        kind=Run.Kind.SAMPLE,
        base_version=version,
        created_by=created_by,
        config={"seed": seed, "sampling": {**(sampling or {}), "responses_per_prompt": each}},
        purpose={
            "then": SERVE_BLIND_TASKS,
            "prompt_ids": prompts,
            "rivals": [rival.pk for rival in rivals],
            # Who is champion changes; what people compared stays what it was.
            **({"champion_then": champion.pk} if champion in rivals and champion is not None else {}),
            **({"of_run": of_run.pk} if of_run is not None else {}),
        },
    )


def _lock(version: ModelVersion, rival: ModelVersion) -> tuple[ModelVersion, ModelVersion]:
    """The two as they are now, and as they stay until the transaction ends. Raises: NotFound.

    Two requests at once must not both find that nothing is on its way, and nobody archives either in between. Runs may
    still be started from them.
    """
    rows = ModelVersion.objects.select_for_update(of=("self",), no_key=True).select_related("project", "parent")
    found = {row.pk: row for row in rows.filter(pk__in=[version.pk, rival.pk]).order_by("pk")}
    for each in (version, rival):
        if each.pk not in found:
            raise NotFound(f"{each} is no longer there.")
    return found[version.pk], found[rival.pk]


def _check_rival(version: ModelVersion, rival: ModelVersion, project: Project) -> None:
    """Raises: ApplicationError."""
    if rival.kind != ModelVersion.Kind.POLICY:
        raise _refusal_of_rival("not_a_policy", f"{rival} is no policy and answers no prompts.")
    if rival.project_id not in (None, project.pk):
        raise _refusal_of_rival("other_project", f"{rival} belongs to another project.")
    if rival == version:
        raise _refusal_of_rival("same_version", f"{version} cannot be compared with itself; choose another version.")
    if rival.stage == ModelVersion.Stage.ARCHIVED:
        raise _refusal_of_rival("rival_archived", f"{rival} is archived; choose a version in use.")


def _refusal_of_rival(code: str, message: str) -> ApplicationError:
    return _refusal(code, message, "against_version_id")


def _refusal(code: str, message: str, field: str = "") -> ApplicationError:
    return ApplicationError(message, code=code, extra={"field": field} if field else {})
