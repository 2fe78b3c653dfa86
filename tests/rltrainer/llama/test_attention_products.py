import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from rltrainer.llama import attention_products
from rltrainer.llama.attention_products import attend_pieces, attend_pieces_backward


def _inputs(dtype=torch.float64, *, masks=3):
    generator = torch.Generator().manual_seed(0)
    query, key, value, slope = (
        torch.randn(3, 2, length, 8, generator=generator, dtype=dtype) for length in (10, 7, 7, 10)
    )
    hidden = torch.rand(masks, 1, 10, 7, generator=generator) < 0.4
    hidden[..., 0] = False
    return query, key, value, slope, torch.zeros(hidden.shape).masked_fill_(hidden, torch.finfo(torch.bfloat16).min)


def _by_autograd(query, key, value, slope, mask):
    inputs = [each.double().requires_grad_() for each in (query, key, value)]
    mixed = scaled_dot_product_attention(*inputs, attn_mask=mask.double())
    return mixed.detach(), torch.autograd.grad(mixed, inputs, slope.double())


@pytest.mark.parametrize("masks", [1, 3])
@pytest.mark.parametrize("elements", [2**21, 2 * 150, 2 * 20, 1])
def test_pieces_of_any_size_give_attention_and_its_gradients(monkeypatch, elements, masks):
    monkeypatch.setattr(attention_products, "PIECE_ELEMENTS", elements)
    query, key, value, slope, mask = _inputs(torch.float32, masks=masks)
    mixed, slopes = _by_autograd(query, key, value, slope, mask)
    torch.testing.assert_close(attend_pieces(query, key, value, mask).double(), mixed, atol=1e-5, rtol=1e-5)
    for own, expected in zip(attend_pieces_backward(slope, query, key, value, mask), slopes, strict=True):
        torch.testing.assert_close(own.double(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("elements", [2**21, 2 * 20])
def test_bfloat16_loses_no_more_than_its_own_rounding(monkeypatch, elements):
    monkeypatch.setattr(attention_products, "PIECE_ELEMENTS", elements)
    query, key, value, slope, mask = _inputs(torch.bfloat16)
    mixed, slopes = _by_autograd(query, key, value, slope, mask)
    own = attend_pieces(query, key, value, mask), *attend_pieces_backward(slope, query, key, value, mask)
    for found, expected in zip(own, (mixed, *slopes), strict=True):
        assert found.dtype == torch.bfloat16
        assert (found.double() - expected).norm() <= 5e-3 * expected.norm()


def test_queries_without_gradient_move_nothing():
    query, key, value, slope, mask = _inputs(torch.float32)
    expected = attend_pieces_backward(slope.index_fill(2, torch.tensor([4]), 0.0), query, key, value, mask)
    query[:, :, 4] = 100.0
    own = attend_pieces_backward(slope.index_fill(2, torch.tensor([4]), 0.0), query, key, value, mask)
    for found, same in zip(own[1:], expected[1:], strict=True):
        torch.testing.assert_close(found, same)
