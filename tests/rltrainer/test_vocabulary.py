import json

import pytest

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.backbones import load_tokenizer
from rltrainer.vocabulary import require_same_tokens
from tests.tiny_model import make_tiny_model


def _require(folder, base):
    tokenizer = load_tokenizer(base)
    require_same_tokens(folder, tokenizer, key="model.reference", reader="reference", way_out="name another")


def test_the_same_tokens_pass_whatever_the_weights(base, tmp_path):
    _require(make_tiny_model(tmp_path / "other", seed=5, hidden_size=64), base)


def test_two_tokens_that_have_changed_places_are_enough(base, tmp_path):
    folder = make_tiny_model(tmp_path / "other")
    file = folder / "tokenizer.json"
    content = json.loads(file.read_text())
    vocabulary = content["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]
    file.write_text(json.dumps(content))
    differing = (
        r"^model\.reference: the reference reads the policy's tokens, but .*other has 2 that are missing or have "
    )
    with pytest.raises(ConfigError, match=differing + r"another number there; name another$"):
        _require(folder, base)


def test_a_folder_without_a_tokenizer_cannot_be_compared(base, tmp_path):
    folder = make_tiny_model(tmp_path / "other")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    with pytest.raises(ConfigError, match=r"^model\.reference: .*other has no tokenizer that can be loaded"):
        _require(folder, base)
