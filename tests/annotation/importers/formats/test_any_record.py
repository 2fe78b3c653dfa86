"""Whatever a record holds, a format gives prompts or errors by line, and never anything else."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.importers.formats.table import FORMATS
from annotation.importers.line_errors import LineError
from annotation.importers.records import ImportedPrompt
from tests.annotation.importers.formats.test_columns import ROW
from tests.annotation.importers.formats.test_documented_records import HELPSTEER2, HELPSTEER3, HH, PAIR, ULTRAFEEDBACK
from tests.annotation.importers.formats.test_tools import ARGILLA, NEW_RANKER, PAIRWISE, ranked
from tests.annotation.importers.reading import read

KEYS = (
    "id", "external_id", "kind", "prompt", "responses", "judgments", "gold", "instruction", "completions", "model",
    "response", "annotations", "Rating", "overall_score", "context", "response1", "response2", "overall_preference",
    "individual_preference", "score", "helpfulness", "correctness", "coherence", "complexity", "verbosity", "data",
    "result", "type", "value", "ranker", "rank", "rating", "selected", "completed_by", "fields", "user_id", "chosen",
    "rejected", "role", "content", "answer1", "answer2", "r1", "was_cancelled", "rank.responses", "metadata", "tags",
    "answer_a", "answer_b", "winner", "text", "source", "rank.responses.users", "lead_time", "items", "body",
)  # fmt: skip
WORDS = (
    "", "x", "a", "r1", "ranking", "scalar", "left", "tie", "ranker", "pairwise", "rating", "user", "4", "N/A",
    "prompt", "\n\nHuman: x\n\nAssistant: y", "\n\nHuman: x", "\ud800", "\0",
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers(-4, 5) | st.sampled_from([2.5, float("inf")]) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)
records = st.dictionaries(st.sampled_from(KEYS), values, max_size=12)


@pytest.mark.parametrize("form", FORMATS)
@given(given=st.lists(records, min_size=1, max_size=3), kind=st.sampled_from([None, "ranking", "scalar"]))
def test_no_record_breaks_a_format(form: str, given: list[dict[str, Any]], kind: str | None) -> None:
    for found in read(*given, form=form, kind=kind):
        assert isinstance(found, ImportedPrompt | LineError)


DOCUMENTED: dict[str, Any] = {
    "label-studio": [PAIRWISE, ranked(NEW_RANKER)],
    "argilla": [ARGILLA],
    "ultrafeedback": [ULTRAFEEDBACK],
    "helpsteer2": [HELPSTEER2],
    "helpsteer3": [HELPSTEER3],
    "hh": [HH],
    "preference": [PAIR],
    "csv": [ROW],
}


def spoil(value: Any, chance: Random) -> Any:
    """The value with parts left out or replaced by others."""
    if chance.random() < 0.1:
        return chance.choice([None, True, 3, 2.5, float("nan"), float("inf"), [], {}, [3], {"x": 1}, *WORDS])
    if isinstance(value, dict):
        return {name: spoil(item, chance) for name, item in value.items() if chance.random() > 0.06}
    return [spoil(item, chance) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("form", DOCUMENTED)
@given(seed=st.integers(0, 2**32), kind=st.sampled_from([None, "ranking", "scalar"]))
def test_no_spoilt_record_breaks_its_format(form: str, seed: int, kind: str | None) -> None:
    chance = Random(seed)
    for _ in range(10):
        spoilt = [record for each in DOCUMENTED[form] if isinstance(record := spoil(each, chance), dict)]
        if spoilt:
            assert all(isinstance(found, ImportedPrompt | LineError) for found in read(*spoilt, form=form, kind=kind))
