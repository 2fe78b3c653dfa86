"""Shapes of the forms of this part; what they mean is for the services to say."""

from collections.abc import Iterable
from typing import Any

from django import forms

from annotation.exceptions import ApplicationError
from annotation.models import Project
from trainingruns.models import POLICY_KINDS, ModelVersion, Run, Snapshot
from trainingruns.selectors.registry import versions_of
from trainingruns.selectors.rivals import describe_rival, possible_rivals, rival_champion
from trainingruns.selectors.runs import judgeable_runs, snapshots_of
from trainingruns.services.comparisons import MOST_RESPONSES, RESPONSES_TO_SERVE
from trainingruns.services.runs import default_base, default_reward
from trainingruns.wishes import AGAINST, AGAINST_CHAMPION, asking_overrides, serving_purpose

PURPOSES: dict[str, str] = {
    Run.Kind.SAMPLE: "Answers each prompt several times, for people to rank. A policy can learn from that directly.",
    Run.Kind.REWARD: "Learns to score responses as people do. Needed first by the kinds that practise on a reward.",
    Run.Kind.SFT: "Imitates the responses that people liked best. The plainest start, and a good one.",
    Run.Kind.DPO: "Learns from pairs of responses directly, without a reward model and without sampling.",
    Run.Kind.GRPO: "Practises: answers each prompt several times and learns from what beat the group's mean reward.",
    Run.Kind.RLOO: "Practises like GRPO, holding each answer against its siblings; distance costs part of the reward.",
    Run.Kind.DAPO: "Practises on prompts that still teach something, without a price on distance: the boldest kind.",
    Run.Kind.PPO: "Practises with a critic that judges every token; for long answers, at twice the memory.",
}
"""What each kind that can be started here is for, in one sentence."""
FIELD_OF_FAULT = {
    "invalid_config": "overrides",
    "no_snapshot": "snapshot",
    "empty_snapshot": "snapshot",
    "too_few_prompts": "snapshot",
    "no_examples": "snapshot",
    "no_base_version": "base_version",
    "no_preview": "kind",
    "unknown_kind": "kind",
    "no_groups": "groups_run",
    "no_responses": "groups_run",
    "no_log_probs": "groups_run",
    "bad_ensemble": "ensemble",
}
"""By the code of a refusal that names no field itself, the field that is at fault."""


class PlainForm(forms.Form):
    """A form whose labels have no colon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})


class SnapshotForm(PlainForm):
    """What a manager may choose about a snapshot."""

    view = forms.ChoiceField(choices=Snapshot.View.choices, initial="majority")
    eval_share = forms.FloatField(min_value=0, max_value=0.5, initial=0.1, label="Share of prompts held out")
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=0, label="Seed of the split")


class PreviewForm(PlainForm):
    """Which sample to look at."""

    number = forms.IntegerField(min_value=1, max_value=10_000_000, required=False)

    def place(self) -> int:
        """Its place, from 0."""
        return (self.cleaned_data["number"] or 1) - 1


class RivalField(forms.ModelChoiceField):
    """Versions with what they are to the policy that is compared with them."""

    version: ModelVersion
    champion: ModelVersion | None

    def label_from_instance(self, obj: ModelVersion) -> str:
        """The version, and its role where it has one."""
        role = describe_rival(obj, version=self.version, champion=self.champion)
        return f"{obj} ({role})" if role else str(obj)


class ComparisonForm(PlainForm):
    """What a manager may choose about a comparison of a policy with another."""

    against = RivalField(ModelVersion.objects.none(), empty_label=None, label="Compare it with")
    responses = forms.IntegerField(
        min_value=1, max_value=MOST_RESPONSES, initial=RESPONSES_TO_SERVE, label="New responses"
    )

    def __init__(self, *args: Any, version: ModelVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["against"]
        assert isinstance(field, RivalField)
        field.version, field.champion = version, rival_champion(version)
        field.queryset = possible_rivals(version=version)

    def has_rivals(self) -> bool:
        """Whether there is anybody to choose."""
        field = self.fields["against"]
        assert isinstance(field, RivalField) and field.queryset is not None
        return field.queryset.exists()

    def arguments(self) -> dict[str, Any]:
        """What `compare_policies` takes."""
        return {"rival": self.cleaned_data["against"], "responses": self.cleaned_data["responses"]}


class RunForm(PlainForm):
    """What a manager may choose about a run."""

    kind = forms.ChoiceField(
        choices=[(kind, Run.Kind(kind).label) for kind in PURPOSES], widget=forms.RadioSelect, label="What kind of run"
    )
    snapshot = forms.ModelChoiceField(Snapshot.objects.none(), empty_label=None)
    base_version = forms.ModelChoiceField(ModelVersion.objects.none(), required=False, label="Start from")
    reward_version = forms.ModelChoiceField(ModelVersion.objects.none(), required=False, label="Reward model")
    ensemble = forms.ModelMultipleChoiceField(
        ModelVersion.objects.none(),
        required=False,
        label="Further reward models",
        help_text="They score beside the first; where they differ, less is given. Hold Ctrl to choose several or none.",
    )
    groups_run = forms.ModelChoiceField(
        Run.objects.none(),
        required=False,
        label="Learn from what people said of",
        empty_label="nothing: sample anew",
        help_text="A sample run whose responses people have ranked, for as long as there is no good reward model. "
        "People's scores alone count then; a reward model that is named above has its score added to them.",
    )
    people_every_steps = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=1_000_000,
        label="Ask people every",
        help_text="steps, while it practises: blind pairs of its answers and those it started from. Empty asks nobody.",
    )
    overrides = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        label="Settings that differ from the recipe",
        help_text="One section.key=value a line. Examples: stop.steps=20, loss.clip_high=0.28, brakes.kl=pause",
    )
    serve = forms.BooleanField(required=False, initial=True, label="Let people judge what it answers, blindly")
    against = forms.ChoiceField(
        choices=list(AGAINST.items()),
        required=False,
        initial=AGAINST_CHAMPION,
        label="Beside answers of",
        help_text="Whom people compare a new policy with; without another champion, what it started from. What a "
        "sampling run answers is ranked by itself.",
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = versions_of(project=project).exclude(stage=ModelVersion.Stage.ARCHIVED)
        choices = {
            "snapshot": snapshots_of(project=project),
            "base_version": versions.filter(kind=ModelVersion.Kind.POLICY),
            "reward_version": versions.filter(kind=ModelVersion.Kind.REWARD),
            "ensemble": versions.filter(kind=ModelVersion.Kind.REWARD),
            "groups_run": judgeable_runs(project=project),
        }
        for name, rows in choices.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]
        defaults = {"base_version": _say_default_base(project), "reward_version": _say_default_reward(project)}
        for name, words in defaults.items():
            without = "no default: choose one" if choices[name].exists() else "none yet"
            self.fields[name].empty_label = words or without  # type: ignore[attr-defined]
        if not choices["reward_version"].exists():
            # An empty list to choose several from looks broken.
            del self.fields["ensemble"]

    def kinds(self) -> Iterable[tuple[Any, str]]:
        """Each kind's button with what the kind is for."""
        return zip(self["kind"], PURPOSES.values(), strict=True)

    def arguments(self) -> dict[str, Any]:
        """What `start_run` takes."""
        values = dict(self.cleaned_data)
        asked = asking_overrides(values.pop("people_every_steps"))
        lines = [line.strip() for line in values.pop("overrides").splitlines()]
        against = values.pop("against") or AGAINST_CHAMPION
        serves = values.pop("serve") and values["kind"] in (*POLICY_KINDS, Run.Kind.SAMPLE)
        return {
            **values,
            "ensemble": list(values.get("ensemble", [])),
            "overrides": [*asked, *(line for line in lines if line)],
            "purpose": serving_purpose(values["kind"], wanted=serves, against=against),
            "is_preview": "preview" in self.data,
        }

    def add_refusal(self, error: ApplicationError) -> None:
        """Show why the run was not started, at the field where that can be mended."""
        field = error.extra.get("field", FIELD_OF_FAULT.get(error.code))
        for fault in error.extra.get("faults", [error.message]):
            self.add_error(field, fault)


def _say_default_base(project: Project) -> str:
    """Where a run starts when nobody says, empty where that is refused: a reward model may start from another."""
    policy, reward = (default_base(project=project, kind=kind) for kind in (Run.Kind.GRPO, Run.Kind.REWARD))
    if policy is None:
        return ""
    also = f"; a reward model from {reward}" if reward not in (policy, None) else ""
    return f"the default: {policy}{also}"


def _say_default_reward(project: Project) -> str:
    """What rewards a policy run when nobody says; empty where nothing does."""
    found = default_reward(project=project)
    if found is None:
        return ""
    place = "champion" if found.stage == ModelVersion.Stage.CHAMPION else "newest"
    return f"the {place}: {found} (none with people's scores)"
