"""A tiny model for all tests of the trainer, and one thread: the machine is shared."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from rewardmodel.network import RewardNetwork, save_reward_model
from rewardmodel.runtime.backbones import load_backbone, load_causal_model, load_tokenizer
from rewardmodel.runtime.rendering import Renderer
from tests.tiny_model import make_tiny_model


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny random model."""
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "base")


@pytest.fixture
def model(base: Path):
    """A fresh network of it, float32."""
    return load_causal_model(base)


@pytest.fixture(scope="session")
def renderer(base: Path) -> Renderer:
    return Renderer(load_tokenizer(base), load_causal_model(base).generation_config)


@pytest.fixture(scope="session")
def judges(base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The folders of three reward models that agree on nothing: the same body under random heads."""
    folders = []
    for seed in (5, 6, 7):
        folder = tmp_path_factory.mktemp("judge")
        network = RewardNetwork(load_backbone(base), seed=seed)
        save_reward_model(network, folder, max_length_tokens=128, mean=0.0, std=0.1)
        load_tokenizer(base).save_pretrained(folder)
        folders.append(str(folder))
    return folders
