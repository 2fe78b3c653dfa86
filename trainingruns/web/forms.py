"""Shapes of the forms of this part; what they mean is for the services to say."""

from typing import Any

from django import forms

from annotation.models import Project
from trainingruns.models import ModelVersion, Run, Snapshot
from trainingruns.selectors.registry import versions_of
from trainingruns.selectors.runs import snapshots_of

STARTABLE = (("reward", "Reward model"), ("grpo", "Policy with GRPO"))


class SnapshotForm(forms.Form):
    """What a manager may choose about a snapshot."""

    view = forms.ChoiceField(choices=Snapshot.View.choices, initial="majority")
    eval_share = forms.FloatField(min_value=0, max_value=0.5, initial=0.1, label="Share of prompts held out")
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=0, label="Seed of the split")


class RunForm(forms.Form):
    """What a manager may choose about a run."""

    kind = forms.ChoiceField(choices=STARTABLE)
    snapshot = forms.ModelChoiceField(Snapshot.objects.none())
    base_version = forms.ModelChoiceField(
        ModelVersion.objects.none(), required=False, label="Start from", empty_label="the default"
    )
    reward_version = forms.ModelChoiceField(
        ModelVersion.objects.none(), required=False, label="Reward model", empty_label="the champion"
    )
    overrides = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One section.key=value a line, laid over the recipe. Example: stop.steps=20",
    )
    serve = forms.BooleanField(
        required=False, initial=True, label="Let people judge the new policy blindly against the champion"
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = versions_of(project=project).exclude(stage=ModelVersion.Stage.ARCHIVED)
        choices = {
            "snapshot": snapshots_of(project=project),
            "base_version": versions.filter(kind=ModelVersion.Kind.POLICY),
            "reward_version": versions.filter(kind=ModelVersion.Kind.REWARD),
        }
        for name, rows in choices.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]

    def arguments(self) -> dict[str, Any]:
        """What `start_run` takes."""
        values = dict(self.cleaned_data)
        serves = values.pop("serve") and values["kind"] == Run.Kind.GRPO
        lines = values.pop("overrides").splitlines()
        return {
            **values,
            "overrides": [line.strip() for line in lines if line.strip()],
            "purpose": {"then": "serve_blind_tasks"} if serves else {},
        }
