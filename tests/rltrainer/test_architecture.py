import pytest
import torch
from torch import nn

from rewardmodel.config_parsing import ConfigError
from rltrainer.architecture import require_full_attention, require_plain_head


def test_a_plain_llama_passes(model):
    require_plain_head(model)
    require_full_attention(model, 1024)


def test_more_tokens_than_positions_are_refused(model):
    with pytest.raises(ConfigError, match="1024 positions"):
        require_full_attention(model, 1025)


def test_a_window_shorter_than_the_run_is_refused(model):
    model.config.layer_types = ["full_attention", "sliding_attention"]
    model.config.sliding_window = 64
    require_full_attention(model, 64)
    with pytest.raises(ConfigError, match="sliding_attention"):
        require_full_attention(model, 65)


def test_a_window_of_all_layers_is_told_with_the_way_out(model):
    # Mistral's config names a window and no kinds of layers.
    model.config.layer_types, model.config.sliding_window = None, 64
    require_full_attention(model, 64)
    way_out = "lower data.max_prompt_tokens and max_new_tokens so that they fit into the window"
    with pytest.raises(ConfigError, match=rf"see 64 tokens back, and .* may have 65 together; {way_out}"):
        require_full_attention(model, 65)
    with pytest.raises(ConfigError, match=r"^critic\.path: .*; lower data\.max_length_tokens so that"):
        require_full_attention(model, 65, key="critic.path", limits="data.max_length_tokens")
    model.config.use_sliding_window = False
    require_full_attention(model, 65)


def test_logits_changed_after_the_head_are_refused(model):
    class Halved(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner, self.base_model = inner, inner.base_model

        def get_output_embeddings(self):
            return self.inner.get_output_embeddings()

        def get_input_embeddings(self):
            return self.inner.get_input_embeddings()

        def forward(self, **inputs):
            output = self.inner(**inputs)
            output.logits = torch.tanh(output.logits) / 2
            return output

    with pytest.raises(ConfigError, match="changes its logits"):
        require_plain_head(Halved(model))
