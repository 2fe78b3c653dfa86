"""Forms of quality control. They check form only; what is allowed, the services say."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms

from annotation.models import Criterion, FeedbackKind, Project, Task
from annotation.services.known_answers import CHOOSABLE

PURPOSE_LABELS = {
    Task.Purpose.NORMAL: "Normal: judged for its own sake",
    Task.Purpose.GOLD: "Gold: mixed in silently",
    Task.Purpose.PRACTICE: "Practice: explained at once",
    Task.Purpose.QUALIFICATION: "Test: comes before normal work",
}


class QualityForm(forms.ModelForm):
    """How much practice, test, gold and repeats a project wants."""

    class Meta:
        model = Project
        fields = (
            "practice_tasks",
            "qualification_tasks",
            "pass_mark",
            "qualification_attempts",
            "qualification_skill",
            "qualification_level",
            "gold_rate",
            "gold_tolerance",
            "repeat_rate",
            "repeat_after",
        )
        labels: ClassVar = {
            "practice_tasks": "Practice tasks a person does first",
            "qualification_tasks": "Tasks in the test (0 for no test)",
            "pass_mark": "Pass mark",
            "qualification_attempts": "Attempts at the test",
            "qualification_skill": "Skill that passing gives",
            "qualification_level": "Level of that skill",
            "gold_rate": "Share of gold tasks",
            "gold_tolerance": "Tolerance of scores",
            "repeat_rate": "Share of repeated tasks",
            "repeat_after": "Other tasks before a repeat",
        }
        help_texts: ClassVar = {
            "practice_tasks": "As far as there are any; they count in nothing.",
            "qualification_tasks": "Until it is passed, a person gets no normal task.",
            "pass_mark": "0 to 1: the share of right answers that passes, and below which a pause is proposed.",
            "qualification_attempts": "How often a person may take the test.",
            "qualification_skill": "Empty: nothing but the right to work.",
            "qualification_level": "From 1 to 5.",
            "gold_rate": "0 to 0.5 of the tasks a person gets; nobody can tell them from others.",
            "gold_tolerance": "0 to 1: how far from the known score still counts as right, as a share of the scale.",
            "repeat_rate": "0 to 0.5 of the tasks a person gets are ones they judged before.",
            "repeat_after": "How many other tasks lie between, at least.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        skill = self.fields["qualification_skill"]
        assert isinstance(skill, forms.ModelChoiceField)
        skill.queryset = self.instance.skills.all()
        skill.empty_label = "none"


class PurposeForm(forms.Form):
    """What a task is there for, and the known answer: a rank for each response, or a score for each criterion."""

    purpose = forms.ChoiceField(choices=[(each.value, PURPOSE_LABELS[each]) for each in CHOOSABLE])
    explanation = forms.CharField(
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Why the answer is right, in Markdown. People read it after their answer to a practice task.",
    )

    def __init__(
        self,
        *args: Any,
        kind: str,
        keys: Sequence[str],
        letters: Mapping[str, str],
        criteria: Sequence[Criterion],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self.keys, self.criteria = kind, list(keys), list(criteria)
        if kind == FeedbackKind.RANKING:
            for place, key in enumerate(self.keys):
                self.fields[f"rank_{place}"] = forms.IntegerField(
                    min_value=1, max_value=len(self.keys), required=False, label=f"Rank of {letters[key]}"
                )
            return
        for criterion in self.criteria:
            self.fields[f"score_{criterion.name}"] = forms.FloatField(
                min_value=criterion.minimum, max_value=criterion.maximum, required=False, label=criterion.label
            )

    def answer(self) -> dict[str, Any]:
        """The known answer in response keys, as the service takes it. The same rank is a tie, none is unranked."""
        if self.kind == FeedbackKind.RANKING:
            ranks = {key: self.cleaned_data[f"rank_{place}"] for place, key in enumerate(self.keys)}
            used = sorted({rank for rank in ranks.values() if rank is not None})
            return {
                "tiers": [[key for key in self.keys if ranks[key] == rank] for rank in used],
                "unranked": [key for key in self.keys if ranks[key] is None],
            }
        given = {each.name: self.cleaned_data[f"score_{each.name}"] for each in self.criteria}
        return {"scores": {name: {self.keys[0]: value} for name, value in given.items() if value is not None}}


def known_values(task: Task, keys: Sequence[str]) -> dict[str, Any]:
    """What is known of a task, as the fields of PurposeForm hold it."""
    known = task.gold or {}
    values: dict[str, Any] = {"purpose": task.purpose, "explanation": known.get("rationale", "")}
    places = {key: number for number, tier in enumerate(known.get("tiers", []), start=1) for key in tier}
    values |= {f"rank_{place}": places[key] for place, key in enumerate(keys) if key in places}
    for name, by_response in known.get("scores", {}).items():
        values |= {f"score_{name}": value for value in by_response.values()}
    return values
