from pathlib import Path

import pytest
import torch

from rewardmodel.evaluation import read_finite
from rewardmodel.network import RewardNetwork
from rewardmodel.runtime.backbones import load_backbone
from rewardmodel.runtime.faults import Diverged


@pytest.mark.parametrize("of", ["training", "held-out"])
def test_scores_that_are_no_numbers_are_counted_and_named(tiny: Path, of: str) -> None:
    network = RewardNetwork(load_backbone(tiny))
    sequences = [(5, 6), (7,), (8, 9, 10)]
    assert len(read_finite(network, sequences, of=of, pad_id=0, batch_tokens=64).scores) == 3
    with torch.no_grad():
        network.head.bias.fill_(float("nan"))
    with pytest.raises(Diverged, match=f"3 of 3 {of} scores are not finite"):
        read_finite(network, sequences, of=of, pad_id=0, batch_tokens=64)
