import json
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import torch

from rewardmodel import publishing
from rewardmodel.__main__ import main
from rewardmodel.familiarity import FEATURES_FILE, choose_rows
from rewardmodel.network import CARD_FILE, Reading, RewardNetwork, read_sequences
from rewardmodel.publishing import publish_reward_model
from rewardmodel.runtime.backbones import load_backbone
from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.scorer import RewardScorer
from tests.rewardmodel.preferences import make_run

COMPUTE = ComputeDevice(torch.device("cpu"), torch.float32)
SEQUENCES = [tuple(range(start, start + 8)) for start in range(5, 65)]
HELD_OUT = [*SEQUENCES[40:], SEQUENCES[40]]


@pytest.fixture
def network(tiny: Path) -> RewardNetwork:
    return RewardNetwork(load_backbone(tiny), seed=5)


def _publish(network: RewardNetwork, renderer: Renderer, target: Path, *, training=SEQUENCES[:40]) -> None:
    def read(sequences: list[tuple[int, ...]]) -> Reading:
        keep = choose_rows(sequences, seed=0)
        return read_sequences(network, sequences, pad_id=renderer.pad_id, batch_tokens=512, keep=keep)

    publish_reward_model(
        target,
        network,
        renderer,
        training=read(training).features,
        held_out=read(HELD_OUT),
        proof=HELD_OUT[:4],
        max_length_tokens=64,
        compute=COMPUTE,
    )


def test_a_run_leaves_a_model_to_which_its_held_out_responses_are_familiar(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", train_pairs=96, evaluation={"every_steps": 0, "bootstrap_samples": 100})
    assert main(["train", str(run)]) == 0
    scorer = RewardScorer(run / "model")
    rows = [json.loads(line) for line in (run / "data/eval.jsonl").read_text().splitlines()]
    texts = sorted({(row["prompt"][0]["content"], row[side]) for row in rows for side in ("chosen", "rejected")})
    prompts = [[{"role": "user", "content": question}] for question, _ in texts]
    distances = scorer.measure(prompts, [text for _, text in texts]).distances
    assert distances is not None
    assert float(numpy.median(distances.typical)) == pytest.approx(1.0, abs=1e-3)
    assert float(distances.unfamiliar.mean()) == pytest.approx(0.05, abs=1 / len(texts))
    other = scorer.measure(prompts, ["0123 ?!" * 3] * len(prompts)).distances
    assert other is not None
    assert float(numpy.median(other.typical)) > 1.0


def test_a_response_that_many_pairs_share_counts_once_in_the_unit(network, renderer, tmp_path) -> None:
    _publish(network, renderer, tmp_path / "model")
    scorer = RewardScorer(tmp_path / "model")
    distances = scorer.familiarity.distances(scorer.read(HELD_OUT[:-1]).features)
    assert float(numpy.median(distances)) == pytest.approx(1.0, abs=1e-3)


def test_training_responses_that_are_one_and_the_same_leave_a_model_without_distances(network, renderer, tmp_path):
    _publish(network, renderer, tmp_path / "model", training=SEQUENCES[:1])
    assert not (tmp_path / "model" / FEATURES_FILE).exists()
    assert json.loads((tmp_path / "model" / CARD_FILE).read_text())["distance_median"] is None


def test_a_folder_that_tells_other_distances_is_not_published(network, renderer, tmp_path, monkeypatch) -> None:
    find = publishing.find_familiarity
    monkeypatch.setattr(publishing, "find_familiarity", lambda *given: replace(find(*given), median=0.5))
    with pytest.raises(RuntimeError, match="tells other distances than the trained one"):
        _publish(network, renderer, tmp_path / "model")
    assert not (tmp_path / "model").exists()
