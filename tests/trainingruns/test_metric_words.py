"""The words of docs/metrics.md as the pages show them."""

import pytest

from trainingruns.metric_words import metric_chapters, read_chapters
from trainingruns.models import Run
from trainingruns.selectors.curves import CURVES, explain

DOCUMENT = """# Metrics

## Policy runs

What is **meant**.

| name | what it says |
|---|---|
| `reward`, `reward_std` | mean and spread |
| `reward_<part>`, `reward_<part>_std` | each part, `model` for one |

| brake | acts when |
|---|---|
| `entropy` | it falls |

## Reward runs

| name | what it says |
|---|---|
| `loss` | nats |
"""


def test_a_row_is_found_by_each_of_its_names_and_the_first_that_fits_wins() -> None:
    policy, reward = read_chapters(DOCUMENT)
    assert (policy.title, policy.anchor, reward.title) == ("Policy runs", "policy-runs", "Reward runs")
    entry = policy.entry("reward_std")
    assert entry is not None and entry.text == "mean and spread" and entry.anchor == "policy-runs.reward"
    part = policy.entry("reward_model_std")
    assert part is not None and part.anchor == "policy-runs.reward_any"
    assert policy.entry("loss") is None


def test_a_brake_explains_no_metric_of_its_name() -> None:
    assert read_chapters(DOCUMENT)[0].entry("entropy") is None


def test_no_two_rows_share_an_anchor() -> None:
    anchors = [entry.anchor for chapter in metric_chapters() for block in chapter.blocks for entry in block.entries]
    assert len(anchors) > 40
    assert len(anchors) == len(set(anchors))


@pytest.mark.parametrize("kind", sorted(CURVES))
def test_every_curve_of_a_page_is_explained(kind: str) -> None:
    assert [spec.label for spec in CURVES[kind] if explain(kind, spec) is None] == []
    assert kind in Run.Kind.values
