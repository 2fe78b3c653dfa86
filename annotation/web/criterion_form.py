"""The form of one scale."""

from typing import Any, ClassVar

from django import forms

from annotation.models import Criterion
from annotation.web.forms import SHORT_NAME

MOST_ANCHORS = 30
LONGEST_ANCHOR = 300


class CriterionForm(forms.ModelForm):
    """A scale with a text for its points, one a line."""

    anchor_lines = forms.CharField(
        required=False,
        max_length=10_000,
        label="Texts of its points",
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="One a line, for instance “1: wrong”. A point without a text shows its number.",
    )

    class Meta:
        model = Criterion
        fields = ("name", "label", "description", "minimum", "maximum", "step", "required")
        labels: ClassVar = {
            "name": "Short name",
            "label": "Shown as",
            "description": "What it asks",
            "minimum": "Lowest",
            "maximum": "Highest",
            "step": "Step",
            "required": "Must be answered",
        }
        help_texts: ClassVar = {
            "name": "For exports: letters, digits, hyphens. Fixed once somebody has scored.",
            "label": "The words on the screen.",
            "description": "One question, in one sentence.",
            "minimum": "The lowest point of the scale.",
            "maximum": "The highest point; five or seven points are usual.",
            "step": "Distance between two points; empty for any number in between.",
            "required": "Otherwise people may say “not applicable”.",
        }
        widgets: ClassVar = {"description": forms.TextInput}
        error_messages: ClassVar = {"name": {"invalid": SHORT_NAME}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["anchor_lines"] = "\n".join(
                f"{point}: {text}" for point, text in sorted(self.instance.anchors.items(), key=_as_number)
            )

    def clean_anchor_lines(self) -> dict[str, str]:
        """The texts by point."""
        anchors: dict[str, str] = {}
        lines = [line for line in self.cleaned_data["anchor_lines"].splitlines() if line.strip()]
        if len(lines) > MOST_ANCHORS:
            raise forms.ValidationError(f"At most {MOST_ANCHORS} points have a text.")
        for number, line in enumerate(lines, start=1):
            point, colon, text = line.partition(":")
            try:
                value = float(point)
            except ValueError:
                value = float("nan")
            if not colon or value != value or not 1 <= len(text.strip()) <= LONGEST_ANCHOR:
                raise forms.ValidationError(f"Line {number} should look like “1: wrong”.")
            anchors[f"{value:g}"] = text.strip()
        return anchors

    def clean(self) -> dict[str, Any]:
        """Points with a text lie on the scale."""
        cleaned: dict[str, Any] = super().clean() or {}
        low, high = cleaned.get("minimum"), cleaned.get("maximum")
        for point in cleaned.get("anchor_lines") or {}:
            if low is not None and high is not None and not low <= float(point) <= high:
                self.add_error("anchor_lines", f"{point} is not between {low:g} and {high:g}.")
        return cleaned

    def as_changes(self) -> dict[str, Any]:
        """What the service takes."""
        values = {name: self.cleaned_data[name] for name in self.Meta.fields}
        return {**values, "anchors": self.cleaned_data["anchor_lines"]}


def _as_number(item: tuple[str, str]) -> float:
    try:
        return float(item[0])
    except ValueError:
        return 0.0
