import pytest
import torch

from rltrainer.attention_mask import additive_mask
from rltrainer.rollouts.decode_attention import attend_grouped, attend_one_token, decode_attention


@pytest.mark.parametrize("attend", [attend_one_token, attend_grouped])
def test_it_gives_what_scaled_dot_product_attention_gives(attend):
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(3, 6, 1, 8, generator=generator)
    # A view into longer buffers, as the cache gives it.
    key, value = (torch.randn(3, 2, 9, 8, generator=generator)[:, :, :7] for _ in range(2))
    mask = additive_mask(torch.rand(3, 7, generator=generator) < 0.7, torch.float32)
    expected = torch.nn.functional.scaled_dot_product_attention(
        query, key.repeat_interleave(3, 1), value.repeat_interleave(3, 1), attn_mask=mask, scale=0.3
    )
    found, _ = attend(torch.nn.Module(), query, key, value, mask, scaling=0.3)
    torch.testing.assert_close(found, expected.transpose(1, 2))


@pytest.mark.parametrize("attend", [attend_one_token, attend_grouped])
def test_several_tokens_are_refused(attend):
    with pytest.raises(ValueError, match="one token"):
        attend(torch.nn.Module(), *(torch.zeros(1, 2, 3, 4),) * 3, None)


def test_the_network_gets_its_own_attention_back(model):
    def fail_inside() -> None:
        with decode_attention(model):
            assert model.config._attn_implementation == "concord_decode"
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        fail_inside()
    assert model.config._attn_implementation == "sdpa"
