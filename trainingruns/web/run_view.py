"""What a run's page shows, gathered."""

from collections.abc import Sequence
from typing import Any

from trainingruns.charts import ShareChart, draw_shares
from trainingruns.lifecycle import ACTIVE
from trainingruns.models import POLICY_KINDS, ModelVersion, Run
from trainingruns.outcome_figures import (
    accuracy_shares,
    length_notes,
    outcome_figures,
    pass_rates,
    verdict_on_gain,
    win_shares,
)
from trainingruns.selectors import runs as selectors
from trainingruns.selectors.curves import run_curves
from trainingruns.selectors.prompt_reports import useless_prompts
from trainingruns.selectors.reward_doubts import doubts_about_rewards
from trainingruns.selectors.sampling_doubts import doubts_about_sampling
from trainingruns.selectors.verdicts import HumanVerdict, HumanVerdicts, human_verdicts
from trainingruns.services.resuming import can_resume
from trainingruns.token_table import rewards_of_group, token_tables


def live_context(run: Run) -> dict[str, Any]:
    """What the moving part of the page shows."""
    version = ModelVersion.objects.filter(run=run).first()
    verdicts = human_verdicts(version=version) if version is not None else HumanVerdicts([])
    warnings = run.status.get("warnings") or run.result.get("warnings") or []
    preview = run.result if run.kind == Run.Kind.PREVIEW else {}
    return {
        "run": run,
        "doubts": [*doubts_about_rewards(run), *doubts_about_sampling(run)],
        "preview": preview,
        "token_tables": token_tables(preview),
        "group_rewards": rewards_of_group(preview),
        "can_preview": run.config.get("kind", run.kind) in POLICY_KINDS,
        "is_active": run.state in ACTIVE,
        "is_paused": is_paused(run),
        "can_resume": can_resume(run),
        "stopped_by": run.result.get("stopped_by", ""),
        "warnings": list(reversed(warnings)),
        "curves": run_curves(run=run),
        **outcome_context({} if preview else run.result, kind=run.kind, verdicts=verdicts),
        "useless": useless_prompts(run=run) if run.result else [],
        "pairs": selectors.before_and_after(run=run),
        "seconds_left": selectors.seconds_left(run=run),
        "checkpoint_time": selectors.checkpoint_time(run=run),
        "version": version,
    }


def is_paused(run: Run) -> bool:
    """Whether a brake, and not a person, ended the run for now."""
    warnings = run.status.get("warnings") or [{}]
    return run.state == "cancelled" and run.cancel_requested_at is None and warnings[-1].get("action") == "pause"


def outcome_context(result: dict[str, Any], *, kind: str, verdicts: HumanVerdicts) -> dict[str, Any]:
    """What a run, or the model that it made, has reached."""
    return {
        "figures": outcome_figures(result),
        "verdict": verdict_on_gain(result),
        "charts": [chart for chart in (_accuracy_chart(result, kind), _win_chart(result, verdicts.told)) if chart],
        "notes": length_notes(result),
        "passes": pass_rates(result),
        "verdicts": verdicts.told,
        "untold_rivals": verdicts.untold,
    }


def _accuracy_chart(result: dict[str, Any], kind: str) -> ShareChart | None:
    return draw_shares(
        "Held-out pairs it gets right",
        accuracy_shares(result, kind=kind),
        about="Accuracy with its interval beside simple baselines",
        middle="chance",
    )


def _win_chart(result: dict[str, Any], verdicts: Sequence[HumanVerdict]) -> ShareChart | None:
    people = [
        (f"Preferred by people over {each.label}", {"value": each.value, "low": each.low, "high": each.high})
        for each in verdicts
    ]
    return draw_shares(
        "How often it wins", [*people, *win_shares(result)], about="Win rates with their intervals", middle="a draw"
    )
