"""A run's configuration, checked by the trainer's own parser before the run exists."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings

from annotation.exceptions import ApplicationError
from rewardmodel import config as reward_config
from rewardmodel.config_parsing import ConfigError, with_overrides
from rltrainer import config as policy_config
from trainingruns.artifacts import artifact_path
from trainingruns.models import ONLINE_KINDS, ModelVersion, Run
from trainingruns.recipes import keep_to_learn_from, recipe_for, shorten_warmups
from trainingruns.run_files import read_json

OURS = (
    "model.base",
    "model.path",
    "model.reference",
    "critic.path",
    "reward.model",
    "reward.ensemble",
    "data.train",
    "data.eval",
    "data.prompts",
    "data.groups",
    "evaluation.champion",
    "rollout.vllm_url",
    "rollout.vllm_folder",
)
"""Keys that name files and servers: the site fills them in, so that nobody can have it read or write elsewhere."""
CODE = ("reward.function", "reward.watched_function")
"""Keys that name Python code to import and call: taken only where the admin's setting REWARD_FUNCTIONS lists it."""


def build_config(
    *,
    kind: str,
    config: Mapping[str, Any] | None,
    overrides: Iterable[str],
    base: ModelVersion,
    reward: ModelVersion | None,
    ensemble: Sequence[ModelVersion] = (),
    is_compared: bool = False,
) -> dict[str, Any]:
    """The whole configuration of a run: the recipe, then `config`, then `overrides` (`section.key=value`).

    is_compared: whether people see a sample run's responses beside those of rivals. Of all others a policy may learn
    what people say, so they keep what that takes.
    Raises: ApplicationError `invalid_config`, whose `extra["faults"]` lists every fault, each beginning with its key.
    """
    try:
        wished = with_overrides(config or {}, overrides)
        _refuse_files(wished)
        _refuse_another_kind(wished, kind)
        recipe = shorten_warmups(recipe_for(kind, layers=_count_layers(base)), wished)
        if kind == Run.Kind.SAMPLE and not is_compared:
            recipe = keep_to_learn_from(recipe, wished)
        mapping = _merge(recipe, {**wished, "kind": kind})
        return _without_files(_parse(_with_files(mapping, base, reward, ensemble)))
    except ConfigError as error:
        raise ApplicationError(
            f"The configuration cannot be used: {'; '.join(error.faults)}.",
            code="invalid_config",
            extra={"faults": error.faults},
        ) from error


def check_config(*, kind: str, config: Mapping[str, Any]) -> None:
    """Whether a run of this kind could start with `config` laid over its recipe. Raises: as `build_config`."""
    some = ModelVersion(artifact="chosen-when-the-run-starts")
    build_config(kind=kind, config=config, overrides=(), base=some, reward=some if kind in ONLINE_KINDS else None)


def complete_config(run: Run) -> dict[str, Any]:
    """What `config.json` holds: the run's configuration with the folders of its models as they lie now."""
    if run.base_version is None:
        raise ApplicationError(f"Run {run.pk} has no model to start from.", code="no_base_version")
    complete = _with_files(run.config, run.base_version, run.reward_version, _members(run))
    # The champion of the moment when the run was started: another one later would be another configuration.
    champion = ModelVersion.objects.filter(pk=run.purpose.get("champion")).first()
    return (
        _merge(complete, {"evaluation": {"champion": str(artifact_path(champion.artifact))}}) if champion else complete
    )


def _count_layers(base: ModelVersion) -> int:
    """Layers of a model by its own config.json; 0 where it does not say."""
    layers = read_json(artifact_path(base.artifact) / "config.json").get("num_hidden_layers")
    return layers if isinstance(layers, int) else 0


def _parse(mapping: Mapping[str, Any]) -> dict[str, Any]:
    parser = reward_config if mapping["kind"] == Run.Kind.REWARD else policy_config
    return parser.parse_config(mapping).to_dict()


def _members(run: Run) -> list[ModelVersion]:
    """The further reward models of a run, in the order in which they were named."""
    found = ModelVersion.objects.in_bulk(run.ensemble_version_ids)
    if len(found) < len(run.ensemble_version_ids):
        raise ApplicationError(f"Run {run.pk} names a reward model that is gone.", code="bad_ensemble")
    return [found[key] for key in run.ensemble_version_ids]


def _with_files(
    mapping: Mapping[str, Any], base: ModelVersion, reward: ModelVersion | None, ensemble: Sequence[ModelVersion]
) -> dict[str, Any]:
    start = "base" if mapping["kind"] == Run.Kind.REWARD else "path"
    complete = _merge(mapping, {"model": {start: str(artifact_path(base.artifact))}})
    if reward is not None:
        complete = _merge(complete, {"reward": {"model": str(artifact_path(reward.artifact))}})
    if ensemble:
        complete = _merge(complete, {"reward": {"ensemble": [str(artifact_path(each.artifact)) for each in ensemble]}})
    return _with_server(complete) if complete.get("rollout", {}).get("engine") == "vllm" else complete


def _with_server(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The vLLM server that the admin has set up. Raises: ConfigError where there is none."""
    if not settings.VLLM_URL or not settings.VLLM_FOLDER:
        advice = "take 'own', or ask the admin to set VLLM_URL and VLLM_FOLDER"
        raise ConfigError([f"rollout.engine: this site has no vLLM server; {advice}"])
    return _merge(mapping, {"rollout": {"vllm_url": settings.VLLM_URL, "vllm_folder": settings.VLLM_FOLDER}})


def _without_files(mapping: dict[str, Any]) -> dict[str, Any]:
    mapping["model"].pop("base", None)
    mapping["model"].pop("path", None)
    for name in ("model", "ensemble"):
        mapping.get("reward", {}).pop(name, None)
    for name in ("vllm_url", "vllm_folder"):
        mapping.get("rollout", {}).pop(name, None)
    return mapping


def _refuse_another_kind(wished: Mapping[str, Any], kind: str) -> None:
    if wished.get("kind", kind) != kind:
        raise ConfigError([f"kind: is chosen when the run is started, here {kind!r}; leave it out of the settings"])


def _refuse_files(wished: Mapping[str, Any]) -> None:
    faults = []
    for key in OURS:
        section, _, name = key.partition(".")
        if isinstance(wished.get(section), Mapping) and name in wished[section]:
            faults.append(f"{key}: is filled in by the site{_instead_of(key)}")
    faults.extend(_refused_code(wished))
    if faults:
        raise ConfigError(faults)


def _instead_of(key: str) -> str:
    return "" if key.startswith("rollout.") else "; choose the model version or snapshot instead"


def _refused_code(wished: Mapping[str, Any]) -> Iterator[str]:
    """The worker would import and call whatever is named, with all of its rights."""
    for key in CODE:
        section, _, name = key.partition(".")
        location = wished[section].get(name) if isinstance(wished.get(section), Mapping) else None
        if location is not None and location not in settings.REWARD_FUNCTIONS:
            advice = "ask the admin to list it in REWARD_FUNCTIONS, or start a run directory by hand"
            yield f"{key}: names code to run, which this site does not allow; {advice}"


def _merge(lower: Mapping[str, Any], upper: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """`upper` laid over `lower`. Raises: ConfigError where a section of one is a plain value in the other."""
    merged = dict(lower)
    for key, value in upper.items():
        name = f"{path}.{key}" if path else key
        if key in merged and isinstance(value, Mapping) != isinstance(merged[key], Mapping):
            wrong = merged[key] if isinstance(value, Mapping) else value
            raise ConfigError([f"{name}: expected a section (a JSON object), got {json.dumps(wrong)}"])
        merged[key] = _merge(merged[key], value, name) if key in merged and isinstance(value, Mapping) else value
    return merged
