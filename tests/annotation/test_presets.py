"""What new projects start with."""

import pytest

from annotation.presets import PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_guidelines_of_presets_are_whole_paragraphs(preset: str) -> None:
    """A single line break of Markdown is shown as one."""
    assert "\n" not in PRESETS[preset].guideline
