import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.backbones import load_backbone, load_causal_model, load_generation_config, load_tokenizer
from rewardmodel.runtime.seeding import derive_generator, derive_seed

UP = "model.layers.0.mlp.up_proj.weight"


def _with_weights(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _with_config(folder: Path, **values: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **values}))


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A folder to spoil."""
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


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


@pytest.mark.parametrize("load", [load_causal_model, load_backbone])
def test_weights_that_would_be_made_up_are_refused_by_name(copy: Path, load: Callable[..., object]) -> None:
    _with_weights(copy, lambda weights: weights.pop(UP))
    with pytest.raises(
        ConfigError, match=r"^model\.path: .*copy.* weights are missing .*layers\.0\.mlp\.up_proj\.weight;"
    ):
        load(copy, key="model.path")


def test_a_head_of_its_own_must_be_there_where_it_is_read(copy: Path) -> None:
    _with_config(copy, tie_word_embeddings=False)
    with pytest.raises(ConfigError, match=r"weights are missing in its files: lm_head\.weight;"):
        load_causal_model(copy)
    load_backbone(copy)


@pytest.mark.parametrize(
    ("name", "shape"), [("model.layers.2.mlp.up_proj.weight", (64, 32)), ("model.layers.0.mlp.up_proj.bias", (64,))]
)
@pytest.mark.parametrize("load", [load_causal_model, load_backbone])
def test_weights_that_the_config_has_no_place_for_are_refused(
    copy: Path, load: Callable[..., object], name: str, shape: tuple[int, ...]
) -> None:
    _with_weights(copy, lambda weights: weights.update({name: torch.zeros(shape)}))
    with pytest.raises(ConfigError, match=f"no room for: {name};"):
        load(copy)


def test_a_head_of_another_purpose_is_no_surplus(copy: Path) -> None:
    _with_weights(copy, lambda weights: weights.update({"score.weight": torch.zeros(1, 32)}))
    load_causal_model(copy)
    load_backbone(copy)


def test_weights_of_another_size_are_told_with_both_sizes(copy: Path) -> None:
    _with_weights(copy, lambda weights: weights.update({UP: torch.zeros(5, 7)}))
    with pytest.raises(ConfigError, match=r"up_proj\.weight \(\[5, 7\] in the files and \[64, 32\] by config"):
        load_causal_model(copy)


@pytest.mark.parametrize("bytes_left", [0, 1000])
def test_a_weight_file_that_is_cut_off_is_told_in_plain_words(copy: Path, bytes_left: int) -> None:
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:bytes_left])
    with pytest.raises(ConfigError, match="a weight file is cut off or broken"):
        load_causal_model(copy)


def test_values_that_do_not_fit_each_other_are_told(copy: Path) -> None:
    _with_config(copy, num_attention_heads=5)
    for load in (load_causal_model, load_tokenizer):
        with pytest.raises(ConfigError, match="not a multiple of the number of attention heads"):
            load(copy)


@pytest.mark.parametrize("text", ["{", '{"version": "1.0"}'])
def test_a_tokenizer_file_of_another_form_is_told(copy: Path, text: str) -> None:
    (copy / "tokenizer.json").write_text(text)
    with pytest.raises(ConfigError, match="has no tokenizer that can be loaded"):
        load_tokenizer(copy)


def test_a_broken_generation_config_is_told(copy: Path) -> None:
    (copy / "generation_config.json").write_text("{")
    with pytest.raises(ConfigError, match=r"^model\.path: .*generation_config\.json cannot be read"):
        load_generation_config(copy, key="model.path")


def test_text_that_gives_tokens_without_an_embedding_is_refused(copy: Path) -> None:
    tokenizer = load_tokenizer(copy)
    tokenizer.add_tokens(["cat", "dog"])
    tokenizer.save_pretrained(copy)
    with pytest.raises(ConfigError, match=r"has 2 tokens beyond the 260 rows .*first 'cat' \(260\)"):
        load_tokenizer(copy)


def test_a_mark_of_the_template_needs_an_embedding_and_one_that_nothing_gives_does_not(copy: Path) -> None:
    tokenizer = load_tokenizer(copy)
    tokenizer.add_special_tokens({"extra_special_tokens": ["<|start|>", "<|endoftext|>", "<|picture|>"]})
    assert tokenizer.convert_tokens_to_ids("<|picture|>") == 260
    tokenizer.save_pretrained(copy)
    load_tokenizer(copy)
    tokenizer.chat_template = str(tokenizer.chat_template) + "<|picture|>"
    tokenizer.save_pretrained(copy)
    with pytest.raises(ConfigError, match=r"1 tokens beyond the 260 rows .*<\|picture\|>"):
        load_tokenizer(copy)


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
