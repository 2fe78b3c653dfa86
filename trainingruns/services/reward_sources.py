"""What rewards a policy besides its config: groups that people judged, and reward models that score together."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotation.exceptions import ApplicationError
from annotation.models import Project
from trainingruns.artifacts import artifact_path
from trainingruns.models import ONLINE_KINDS, ModelVersion, Run
from trainingruns.run_directory import directory_name
from trainingruns.selectors.judged_groups import read_judged_groups
from trainingruns.services.parts import check_part

MOST_MEMBERS = 8


def name_sources(*, groups_run: Run | None, ensemble: Sequence[ModelVersion]) -> dict[str, Any]:
    """What a run's purpose keeps of them."""
    found: dict[str, Any] = {} if groups_run is None else {"groups_of": groups_run.pk}
    return {**found, "ensemble": [each.pk for each in ensemble]} if ensemble else found


def sampled_as(groups_run: Run | None) -> list[str]:
    """Settings with which a policy run takes a sample run's responses for its own.

    Raises: ApplicationError(code="no_groups") where the run sampled nothing.
    """
    if groups_run is None:
        return []
    if groups_run.kind != Run.Kind.SAMPLE:
        raise _refusal("no_groups", f"{groups_run} is no sample run; groups are made of sampled responses.")
    sampling = groups_run.config["sampling"]
    return [
        "rollout.source=judged",
        f"rollout.group_size={sampling['responses_per_prompt']}",
        f"rollout.temperature={sampling['temperature']}",
        f"rollout.max_new_tokens={sampling['max_new_tokens']}",
    ]


def check_groups(*, project: Project, config: Mapping[str, Any], purpose: Mapping[str, Any]) -> None:
    """People's groups are given where they are wanted, and nowhere else. Raises: ApplicationError(code="no_groups")."""
    wanted = config.get("rollout", {}).get("source") == "judged"
    if not wanted and "groups_of" not in purpose:
        return
    if not wanted or "groups_of" not in purpose:
        raise _refusal("no_groups", "rollout.source=judged and the sample run that people judged belong together.")
    source = Run.objects.select_related("project").filter(project=project, pk=purpose["groups_of"]).first()
    if source is None:
        raise _refusal("no_groups", f"This project has no run {purpose['groups_of']}.")
    if not read_judged_groups(run=source, directory=artifact_path(directory_name(source))).groups:
        raise _refusal("no_groups", f"People have not judged all responses to any prompt of {source} yet.")


def check_ensemble(
    *, project: Project, kind: str, reward: ModelVersion | None, ensemble: Sequence[ModelVersion]
) -> None:
    """Several different reward models, all of this project or of none, behind a run that is rewarded.

    Raises: ApplicationError `bad_ensemble`, or as `check_part`.
    """
    if not ensemble:
        return
    if kind not in ONLINE_KINDS:
        raise _refusal("bad_ensemble", f"A {kind} run is not rewarded; leave the further reward models out.")
    if reward is None:
        advice = "name the first one too, or leave the further ones out"
        raise _refusal("bad_ensemble", f"Further reward models score beside a first one, and there is none; {advice}.")
    if len(ensemble) > MOST_MEMBERS:
        raise _refusal("bad_ensemble", f"At most {MOST_MEMBERS} further reward models score together.")
    for each in ensemble:
        check_part("ensemble", each, project=project)
    if len({each.pk for each in (reward, *ensemble)}) <= len(ensemble):
        message = f"A model is named twice, and it always agrees with itself; {reward} scores already."
        raise _refusal("bad_ensemble", message)


def _refusal(code: str, message: str) -> ApplicationError:
    return ApplicationError(message, code=code)
