import shutil
from pathlib import Path

import pytest
import torch

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.backbones import load_backbone, load_causal_model, load_tokenizer
from rewardmodel.runtime.seeding import derive_generator, derive_seed


def test_a_folder_gives_network_and_tokenizer_in_the_asked_dtype(tiny: Path) -> None:
    assert load_tokenizer(tiny).eos_token == "<|end|>"
    model = load_causal_model(tiny, dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert not model.training
    assert load_backbone(tiny)(torch.tensor([[1, 2]])).last_hidden_state.shape == (1, 2, 32)


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    for load in (load_tokenizer, load_causal_model, load_backbone):
        with pytest.raises(ConfigError, match="is not a model folder"):
            load(tmp_path)


def test_weights_that_are_not_safetensors_are_refused(tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "copy"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load_causal_model(folder)


def test_code_in_the_folder_is_never_run(tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "copy"))
    marker = tmp_path / "was-run"
    (folder / "modeling_evil.py").write_text(f"open({str(marker)!r}, 'w')\n")
    config = (folder / "config.json").read_text()
    evil = '"auto_map": {"AutoModel": "modeling_evil.Evil", "AutoConfig": "modeling_evil.Evil"}, "model_type": "evil"'
    (folder / "config.json").write_text(config.replace('"model_type": "llama"', evil))
    with pytest.raises(ConfigError):
        load_backbone(folder)
    assert not marker.exists()


def test_derived_randomness_is_fixed_and_apart() -> None:
    assert derive_seed(0, "order", 1) == 3560704936019802908
    one, again, other = (
        torch.rand(3, generator=derive_generator(0, *names)) for names in (("a", 1), ("a", 1), ("a", 2))
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
