"""A trained reward network as a model folder, which is proved to say what the trained one says."""

from collections.abc import Sequence
from pathlib import Path

import numpy
from torch import Tensor

from rewardmodel.familiarity import Familiarity, learn_familiarity
from rewardmodel.network import (
    Reading,
    RewardNetwork,
    find_familiarity,
    load_reward_model,
    read_sequences,
    save_reward_model,
)
from rewardmodel.runtime.atomic_files import publish_folder
from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.runtime.rendering import Renderer

PROOF_TOKENS = 8192


def publish_reward_model(
    target: Path,
    network: RewardNetwork,
    renderer: Renderer,
    *,
    training: Tensor,
    held_out: Reading,
    proof: Sequence[tuple[int, ...]],
    max_length_tokens: int,
    compute: ComputeDevice,
) -> None:
    """Write the folder `target` whole, or not at all where what was written does not say the same.

    training: features [n, width] of different training responses. held_out: scores of all held-out responses, and
    features of different ones. proof: token sequences that the saved model is held to.
    Raises: RuntimeError where scores or distances of the saved model are others.
    """
    raw_scores = held_out.scores.astype(numpy.float64)
    familiarity = learn_familiarity(training, held_out.features)
    with publish_folder(target) as folder:
        save_reward_model(
            network,
            folder,
            max_length_tokens=max_length_tokens,
            mean=float(raw_scores.mean()),
            # A model that gives every response one score has no scale; 1 leaves it as it is.
            std=float(raw_scores.std()) or 1.0,
            familiarity=familiarity,
        )
        renderer.tokenizer.save_pretrained(folder)
        _prove(folder, network, familiarity, proof, pad_id=renderer.pad_id, compute=compute)


def _prove(
    folder: Path,
    network: RewardNetwork,
    familiarity: Familiarity | None,
    sequences: Sequence[tuple[int, ...]],
    *,
    pad_id: int,
    compute: ComputeDevice,
) -> None:
    """The saved folder gives the very scores and distances that the trained network gives."""
    reloaded, card = load_reward_model(folder, dtype=compute.compute_dtype)
    trained, saved = (
        read_sequences(one, sequences, pad_id=pad_id, batch_tokens=PROOF_TOKENS)
        for one in (network, reloaded.to(compute.device))
    )
    if not numpy.allclose(trained.scores, saved.scores, rtol=0, atol=1e-5):
        raise RuntimeError(f"the saved model scores otherwise than the trained one: {saved.scores}, {trained.scores}")
    if familiarity is None:
        return
    kept = find_familiarity(folder, card)
    distances = familiarity.distances(trained.features)
    found = None if kept is None else kept.distances(saved.features)
    if found is None or not numpy.allclose(distances, found, rtol=1e-3, atol=0):
        raise RuntimeError(f"the saved model tells other distances than the trained one: {found}, {distances}")
