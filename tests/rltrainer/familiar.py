"""What a reward model of the tests knows of its training responses: a few rows of tokens of its own."""

import torch

from rewardmodel.familiarity import Familiarity, learn_familiarity
from rewardmodel.network import RewardNetwork, read_sequences


def make_familiarity(network: RewardNetwork) -> Familiarity:
    """Learned from features of 40 random token sequences, with 20 others held out."""
    generator = torch.Generator().manual_seed(0)
    sequences = torch.randint(5, 200, (60, 12), generator=generator).tolist()
    features = read_sequences(network, sequences, pad_id=0, batch_tokens=4096).features
    known = learn_familiarity(features[:40], features[40:])
    if known is None:
        raise ValueError("the features of random tokens are all the same")
    return known
