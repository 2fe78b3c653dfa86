"""The records that docs/howto/importing.md shows can be imported as they stand there."""

import io
import re
from pathlib import Path

import pytest

from annotation.importers.choosing import plan_import
from annotation.importers.records import ImportedPrompt
from annotation.importers.sources.container import SourceFile

HOWTO = (Path(__file__).parents[3] / "docs/howto/importing.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```(json|csv)\n(.*?)```", HOWTO, re.DOTALL))
FORMATS = (
    "concord", "ultrafeedback", "helpsteer2", "helpsteer3", "label-studio", "label-studio", "argilla", "hh",
    "preference",
)  # fmt: skip


@pytest.mark.parametrize(("line", "name"), list(zip(BLOCKS["json"].splitlines(), FORMATS, strict=True)))
def test_example_is_recognised_and_read(line: str, name: str) -> None:
    source = SourceFile(io.BytesIO(line.encode()))
    plan = plan_import(source.rows(), source.container)
    (prompt,) = plan.read()
    assert plan.form.name == name
    assert isinstance(prompt, ImportedPrompt)
    assert prompt.prompt[-1].content == "What is yeast?"
    assert len(prompt.judgments) == 1


def test_example_table_is_one_task_with_two_judgments() -> None:
    source = SourceFile(io.BytesIO(BLOCKS["csv"].encode()))
    plan = plan_import(source.rows(), source.container)
    (prompt,) = plan.read()
    assert (plan.form.name, plan.mapping["winner"]) == ("csv", "preferred")
    assert isinstance(prompt, ImportedPrompt)
    assert [judgment.annotator for judgment in prompt.judgments] == ["rater3", "rater4"]
