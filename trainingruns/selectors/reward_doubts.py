"""What speaks against the reward models of a run: a model no better than chance teaches a policy noise."""

from trainingruns.evidence import why_no_interval
from trainingruns.gates import judge_reward_model
from trainingruns.models import ModelVersion, Run

ADVICE = "a policy may learn noise from it; collect more judgments and train another reward model, or name a better one"


def doubts_about_rewards(run: Run) -> list[str]:
    """A sentence for each reward model of the run whose accuracy on held-out pairs is not clearly above chance."""
    if run.reward_version is None or not _counts(run):
        return []
    further = ModelVersion.objects.in_bulk(run.ensemble_version_ids) if run.ensemble_version_ids else {}
    return [_sentence(each) for each in (run.reward_version, *further.values()) if not _passes(each)]


def _counts(run: Run) -> bool:
    return run.config.get("reward", {}).get("model_weight") != 0


def _passes(version: ModelVersion) -> bool:
    return judge_reward_model(version.metrics, None).passes


def _sentence(version: ModelVersion) -> str:
    accuracy = version.metrics.get("accuracy") or {}
    value, low, high = (accuracy.get(name) for name in ("value", "low", "high"))
    if value is None:
        return f"Nobody has measured how often reward model {version} is right on held-out pairs: {ADVICE}."
    doubt = f"Reward model {version} is not clearly above chance"
    if low is None or high is None:
        return f"{doubt}: {why_no_interval(accuracy)} to tell; {ADVICE}."
    return f"{doubt}: it is right on {value:.1%} of held-out pairs ({low:.1%} to {high:.1%}); {ADVICE}."
