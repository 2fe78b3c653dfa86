import logging

import pytest
import torch

from rewardmodel.runtime.backbones import load_causal_model
from rewardmodel.runtime.split_weights import SplitWeights
from rltrainer import policy as policy_module
from rltrainer import side_by_side
from rltrainer.adapters import add_adapters
from rltrainer.llama import body as body_module
from rltrainer.llama.body import find_body
from rltrainer.policy import Policy
from rltrainer.side_by_side import differentiate_halves


def _pairs():
    """Completions of several lengths behind prompts of several lengths, one of them alone."""
    generator = torch.Generator().manual_seed(0)
    draw = lambda count: tuple(torch.randint(1, 200, (count,), generator=generator).tolist())  # noqa: E731
    pairs = []
    for prompt, completions in ((5, 3), (9, 4), (2, 1), (9, 2)):
        ids = draw(prompt)
        pairs += [(ids, draw(1 + (number * 5 + prompt) % 7)) for number in range(completions)]
    return pairs


def _alike():
    """Completions behind questions that one system message is put before, and behind a prompt without it."""
    system = tuple(range(100, 112))
    questions = [(*system, 5), (*system, 6, 7, 8), (3, 4), (*system, 9, 9)]
    return [(ids, tuple(range(20, 22 + number))) for number, ids in enumerate(questions)] + [(questions[-1], (7,))]


SHAPES = pytest.mark.parametrize("pairs", [_pairs(), _alike()], ids=["apart", "alike"])


def _load_trained(base, dtype):
    """As it is trained: with gradients in float32 whatever it computes in."""
    model = load_causal_model(base, dtype=dtype).requires_grad_(True)
    for parameter in model.parameters():
        parameter.grad_dtype = torch.float32
    return model


def _score(model, pairs, *, micro_batch_tokens=1000, backward=True, **options):
    """Log-probs of every pair, and the gradient of a loss that weighs each and its entropy differently."""
    policy = Policy(model, temperature=0.9, micro_batch_tokens=micro_batch_tokens, **options)
    model.zero_grad()
    found = [()] * len(pairs)
    for clusters in policy.plan(pairs):
        scores = policy.score(clusters)
        weights = torch.tensor([1.0 + row for row in scores.rows])[:, None]
        if backward:
            (scores.log_probs * weights + 0.3 * scores.entropy * weights * scores.mask).sum().backward()
        for row, values, mask in zip(scores.rows, scores.log_probs.detach(), scores.mask, strict=True):
            found[row] = tuple(values[mask].tolist())
    return found, {name: p.grad.float().clone() for name, p in model.named_parameters() if p.grad is not None}


def _by_transformers(monkeypatch, *arguments, **options):
    with monkeypatch.context() as patch:
        patch.setattr(policy_module, "find_body", lambda model: None)
        return _score(*arguments, **options)


@SHAPES
@pytest.mark.parametrize("micro_batch_tokens", [20, 1000])
def test_scores_and_gradients_are_the_networks_own(model, monkeypatch, micro_batch_tokens, pairs):
    model.requires_grad_(True)
    expected, slopes = _by_transformers(monkeypatch, model, pairs)
    found, own = _score(model, pairs, micro_batch_tokens=micro_batch_tokens)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-5)
    assert own.keys() == slopes.keys()
    for name, slope in slopes.items():
        assert (own[name] - slope).norm() <= 1e-5 * slope.norm(), name


def test_keeping_more_changes_nothing(model):
    body = find_body(model.requires_grad_(True))
    clusters = [
        cluster for part in Policy(model, temperature=1.0, micro_batch_tokens=1000).plan(_pairs()) for cluster in part
    ]
    slopes = []
    for roomy in (False, True):
        model.zero_grad()
        states = body.predicting_states(clusters, roomy=roomy)
        states.square().sum().backward()
        slopes.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
    assert all(torch.equal(slopes[0][name], slopes[1][name]) for name in slopes[0])


@pytest.fixture
def halves(monkeypatch):
    """Everything in halves, as far as there is more than one prompt."""
    monkeypatch.setattr(side_by_side, "LEAST_TOKENS", 1)
    monkeypatch.setattr(side_by_side, "EVEN_SHARE", 1.0)
    torch.set_num_threads(2)


@SHAPES
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_halves_side_by_side_are_the_whole(base, monkeypatch, request, dtype, pairs):
    model = _load_trained(base, dtype)
    whole, expected = _score(model, pairs)
    prompts = [ids for ids, _ in pairs]
    last = find_body(model).last_states(prompts).float()
    request.getfixturevalue("halves")
    runs = []
    monkeypatch.setattr(body_module, "differentiate_halves", lambda work: runs.append(0) or differentiate_halves(work))
    found, own = _score(model, pairs)
    assert runs == [0], "nothing ran in halves"
    tolerance = 1e-6 if dtype == torch.float32 else 1e-2
    for ours, theirs in zip(found, whole, strict=True):
        assert ours == pytest.approx(theirs, abs=10 * tolerance)
    assert own.keys() == expected.keys()
    assert _distance(own, expected) < tolerance
    assert (find_body(model).last_states(prompts).float() - last).norm() <= tolerance * last.norm()


def test_halves_repeat_bit_by_bit(base, halves):
    model = _load_trained(base, torch.bfloat16)
    first, *others = (_score(model, _pairs()) for _ in range(10))
    for found, slopes in others:
        assert found == first[0]
        assert all(torch.equal(slopes[name], first[1][name]) for name in slopes)


def test_bfloat16_is_as_near_to_float32_as_the_networks_own(base, model, monkeypatch):
    exact = _by_transformers(monkeypatch, model.requires_grad_(True), _pairs())[1]
    half = load_causal_model(base, dtype=torch.bfloat16).requires_grad_(True)
    for own in (_score(half, _pairs(), exact=False)[1], _by_transformers(monkeypatch, half, _pairs())[1]):
        assert _distance(own, exact) < 2e-2


@pytest.fixture
def trained(base, model):
    """Weights as training leaves them, no bfloat16 numbers, and a bfloat16 network of which they are the masters."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1 + 0.003 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    half = load_causal_model(base, dtype=torch.bfloat16).requires_grad_(True)
    SplitWeights(half, {name: parameter.detach() for name, parameter in model.named_parameters()})
    return model.requires_grad_(True), half


def _gap(found, expected):
    """The largest difference of two rows of log-probs."""
    return max(abs(a - b) for f, e in zip(found, expected, strict=True) for a, b in zip(f, e, strict=True))


@SHAPES
@pytest.mark.parametrize("roomy", [False, True])
def test_an_exact_forward_pass_has_the_log_probs_of_float32_and_nearly_its_gradient(trained, roomy, pairs):
    model, half = trained
    expected, slopes = _score(model, pairs)
    gaps, errors = {}, {}
    for exact in (True, False):
        found, own = _score(half, pairs, exact=exact, roomy=roomy)
        gaps[exact] = _gap(found, expected)
        errors[exact] = _distance(own, slopes)
    assert gaps[True] < 1e-5 < 1e-3 < gaps[False]
    # Of two layers the backward pass, which is bfloat16 either way, has the larger part.
    assert errors[True] < errors[False] < 1e-2


def test_the_last_layers_of_an_exact_forward_pass_are_not_float32(trained, monkeypatch):
    model, half = trained
    expected, slopes = _score(model, _pairs())
    gaps = []
    for share in (1.0, 0.5, 0.0):
        monkeypatch.setattr(body_module, "EXACT_SHARE", share)
        found, own = _score(half, _pairs())
        gaps.append(_gap(found, expected))
        assert _distance(own, slopes) < 1e-2
    assert gaps[0] < 1e-5 < gaps[1] < gaps[2]


def test_bfloat16_weights_can_have_float32_gradients(base):
    pairs = _pairs()
    plain = load_causal_model(base, dtype=torch.bfloat16).requires_grad_(True)
    exact = _load_trained(base, torch.bfloat16)
    (found, own), (expected, slopes) = _score(exact, pairs), _score(plain, pairs)
    assert found == expected
    assert {p.grad.dtype for p in exact.parameters()} == {torch.float32}
    assert _distance(own, slopes) < 1e-2


def test_frozen_weights_get_no_gradient_and_the_others_theirs(model, monkeypatch):
    model.requires_grad_(True)
    model.get_input_embeddings().weight.requires_grad_(False)
    model.model.layers[0].requires_grad_(False)
    expected = _by_transformers(monkeypatch, model, _pairs())[1]
    own = _score(model, _pairs())[1]
    assert own.keys() == expected.keys()
    assert _distance(own, expected) < 1e-5


def test_a_network_of_another_kind_is_left_to_transformers_and_told(model, caplog):
    model.config.model_type = "unheard-of"
    with caplog.at_level(logging.INFO):
        assert find_body(model) is None
        assert find_body(model) is None
    assert caplog.text.count("transformers runs it") == 1
    assert "of no family that our own layers run (llama, mistral, qwen2)" in caplog.text


def test_weights_that_our_own_layers_do_not_know_are_told(base, caplog):
    with caplog.at_level(logging.INFO):
        assert find_body(load_causal_model(base).half()) is None
    assert "has weights that are neither float32 nor bfloat16: transformers runs it" in caplog.text


def test_other_modules_are_told(base, caplog):
    network = load_causal_model(base)
    add_adapters(network, rank=2, alpha=4.0)
    with caplog.at_level(logging.INFO):
        assert find_body(network) is None
    assert "has other modules than a plain Llama: transformers runs it" in caplog.text


def test_adapters_are_left_to_transformers(model):
    assert find_body(model) is not None
    add_adapters(model, rank=2, alpha=4.0)
    assert find_body(model) is None


def test_a_network_that_means_something_else_is_noticed(model, monkeypatch, caplog):
    real = body_module.hidden_states
    monkeypatch.setattr(body_module, "hidden_states", lambda *a, **k: 1.2 * real(*a, **k))
    assert find_body(model) is None
    assert "computes otherwise" in caplog.text


def _distance(own, expected):
    """Length of the difference of two gradients relative to the second."""
    flat = [torch.cat([tensors[name].flatten() for name in expected]) for tensors in (own, expected)]
    return float((flat[0] - flat[1]).norm() / flat[1].norm())
