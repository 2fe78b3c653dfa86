"""One thread for every test of the package: the machine is shared."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from rewardmodel.runtime.backbones import load_generation_config, load_tokenizer
from rewardmodel.runtime.rendering import Renderer
from tests.tiny_model import make_tiny_model


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "base")


@pytest.fixture
def renderer(tiny: Path) -> Renderer:
    return Renderer(load_tokenizer(tiny), load_generation_config(tiny))
