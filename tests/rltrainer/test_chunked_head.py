import pytest
import torch

from rltrainer import chunked_head
from rltrainer.chunked_head import score_tokens


def _inputs(dtype=torch.float64, tokens=7, width=5, vocabulary=11):
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(tokens, width, generator=generator, dtype=torch.float64).to(dtype)
    weight = torch.randn(vocabulary, width, generator=generator, dtype=torch.float64).to(dtype)
    bias = torch.randn(vocabulary, generator=generator, dtype=torch.float64).to(dtype)
    return hidden, weight, bias, torch.randint(vocabulary, (tokens,), generator=generator)


def _plain(hidden, weight, bias, targets, temperature):
    log_probs = (torch.nn.functional.linear(hidden, weight, bias).float() / temperature).log_softmax(1)
    return log_probs.gather(1, targets[:, None]).squeeze(1), -(log_probs.exp() * log_probs).sum(1)


@pytest.mark.parametrize("chunk_rows", [1, 3, 100])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_chunks_give_what_whole_logits_give(monkeypatch, chunk_rows, temperature):
    monkeypatch.setitem(chunked_head.CHUNK_ELEMENTS, "cpu", chunk_rows * 11)
    hidden, weight, bias, targets = _inputs(torch.float32)
    expected = _plain(hidden, weight, bias, targets, temperature)
    scores = score_tokens(hidden, weight, bias, targets, temperature=temperature)
    torch.testing.assert_close((scores.log_probs, scores.entropy), expected)


@pytest.mark.parametrize("chunk_rows", [1, 3, 100])
def test_gradients_are_those_of_whole_logits(monkeypatch, chunk_rows):
    monkeypatch.setitem(chunked_head.CHUNK_ELEMENTS, "cpu", chunk_rows * 11)
    hidden, weight, bias, targets = _inputs(torch.float32)
    slopes = torch.randn(7, generator=torch.Generator().manual_seed(1))
    gradients = []
    for score in (_plain, lambda *a: (score_tokens(*a[:4], temperature=a[4]).log_probs, None)):
        leaves = [tensor.clone().requires_grad_() for tensor in (hidden, weight, bias)]
        (score(*leaves, targets, 0.7)[0] * slopes).sum().backward()
        gradients.append([leaf.grad for leaf in leaves])
    torch.testing.assert_close(gradients[0], gradients[1])


def test_uniform_logits_have_the_entropy_of_the_vocabulary():
    scores = score_tokens(torch.zeros(2, 3), torch.ones(8, 3), None, torch.tensor([0, 7]), temperature=1.0)
    torch.testing.assert_close(scores.entropy, torch.full((2,), 8.0).log())
    torch.testing.assert_close(scores.log_probs, -torch.full((2,), 8.0).log())


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="targets"):
        score_tokens(torch.zeros(2, 3), torch.ones(8, 3), None, torch.tensor([0]), temperature=1.0)


@pytest.mark.parametrize("direct", [False, True])
def test_logits_that_were_kept_and_logits_computed_again_give_the_same_bits(monkeypatch, direct):
    def gradients(kept_bytes):
        monkeypatch.setattr(chunked_head, "KEPT_BYTES", kept_bytes)
        generator = torch.Generator().manual_seed(5)
        hidden = torch.randn(9, 6, generator=generator).bfloat16().requires_grad_()
        weight = torch.randn(40, 6, generator=generator).requires_grad_()
        targets = torch.arange(9)
        found = score_tokens(hidden, weight, None, targets, temperature=0.7, direct=direct)
        loss = found.log_probs.sum() + 0.1 * found.entropy.sum()
        loss.backward(retain_graph=True)
        once = [hidden.grad.clone(), weight.grad.clone()]
        loss.backward()
        return [*once, hidden.grad, weight.grad]

    monkeypatch.setitem(chunked_head.CHUNK_ELEMENTS, "cpu", 9 * 11)
    kept, again = gradients(2**20), gradients(0)
    torch.testing.assert_close(kept, again, rtol=0, atol=0)
    torch.testing.assert_close(kept[2].float(), 2 * kept[0].float())


@pytest.mark.parametrize("kept_bytes", [0, 2**20])
@pytest.mark.parametrize("highest_first", [False, True])
def test_an_exact_forward_pass_goes_back_in_bfloat16(monkeypatch, kept_bytes, highest_first):
    # Most rows are nearly sure of one token: what is left for the others must not be lost to rounding.
    monkeypatch.setattr(chunked_head, "KEPT_BYTES", kept_bytes)
    monkeypatch.setitem(chunked_head.CHUNK_ELEMENTS, "cpu", 64 * 16)
    generator = torch.Generator().manual_seed(7)
    hidden = 2 * torch.randn(64, 32, generator=generator)
    weight = torch.randn(80, 32, generator=generator).bfloat16()
    logits = hidden @ weight.float().T
    sure = logits.amax(dim=0).sort(descending=highest_first).indices
    weight, targets = weight[sure], logits[:, sure].argmax(dim=1)
    expected, found = [], []
    for score, into, dtype in ((_plain, expected, torch.float32), (score_tokens, found, torch.bfloat16)):
        leaves = [hidden.clone().requires_grad_(), weight.float().requires_grad_()]
        if score is _plain:
            log_probs = _plain(*leaves, None, targets, 0.7)[0]
        else:
            log_probs = score_tokens(*leaves, None, targets, temperature=0.7, backward=dtype).log_probs
        log_probs.sum().backward()
        into.extend([log_probs.detach(), *(leaf.grad for leaf in leaves)])
    torch.testing.assert_close(found[0], expected[0])
    for own, other in zip(found[1:], expected[1:], strict=True):
        assert (own - other).norm() < 5e-3 * other.norm()


def test_logits_are_kept_only_for_a_backward_pass_that_will_come(monkeypatch):
    kept = []
    monkeypatch.setattr(chunked_head._Kept, "add", lambda self, *given: kept.append(given))
    hidden, weight, bias, targets = _inputs(torch.float32)
    score_tokens(hidden, weight, bias, targets, temperature=1.0)
    with torch.no_grad():
        score_tokens(hidden.requires_grad_(), weight.requires_grad_(), bias, targets, temperature=1.0)
    assert not kept
    score_tokens(hidden, weight, bias, targets, temperature=1.0)
    assert kept


def test_a_token_out_of_any_reach_has_a_gradient_of_zero_and_not_none():
    # Farther below the likeliest than float16 has numbers.
    hidden = torch.tensor([[1.0], [1.0]], requires_grad=True)
    weight = torch.tensor([[0.0], [-1.0], [-1e6]], requires_grad=True)
    found = score_tokens(hidden, weight, None, torch.tensor([0, 1]), temperature=1.0, backward=torch.bfloat16)
    (found.log_probs.sum() + found.entropy.sum()).backward()
    assert bool(weight.grad.isfinite().all()) and weight.grad[2].item() == 0.0
    assert bool(hidden.grad.isfinite().all())


@pytest.mark.parametrize("rows", [9, 13])
@pytest.mark.parametrize("exact", [False, True])
def test_logits_may_wait_where_the_gradient_of_the_weights_will_be(monkeypatch, rows, exact):
    # 13 rows are more than fit into a row of the weights: they wait elsewhere.
    monkeypatch.setitem(chunked_head.CHUNK_ELEMENTS, "cpu", rows * 11)
    generator = torch.Generator().manual_seed(5)
    hidden = torch.randn(rows, 6, generator=generator)
    weight = torch.randn(40, 6, generator=generator)
    found = []
    for spare in (False, True):
        states = (hidden if exact else hidden.bfloat16()).requires_grad_()
        states.grad, own = None, weight.clone().requires_grad_()
        own.grad = torch.zeros_like(own)
        scores = score_tokens(
            states, own, None, torch.arange(rows), temperature=0.7, direct=True, backward=torch.bfloat16, spare=spare
        )
        assert bool((own.grad != 0).any()) is (spare and rows == 9)
        loss = scores.log_probs.sum() + 0.1 * scores.entropy.sum()
        loss.backward(retain_graph=True)
        once = own.grad.clone()
        loss.backward()
        found.append([once, own.grad, states.grad])
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)
