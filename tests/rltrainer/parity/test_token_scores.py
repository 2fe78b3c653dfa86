"""Log-probs and entropies of the chunked head against TRL 1.16's, in float32 and bfloat16, gradients included."""

import copy

import pytest
import torch

from rewardmodel.runtime.backbones import load_causal_model
from rltrainer import chunked_head
from rltrainer.chunked_head import score_tokens
from rltrainer.policy import Policy
from tests.rltrainer.gradients import make_rows, relative_error

pytestmark = pytest.mark.xdist_group("trl")


def head(dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(23, 16, generator=generator).to(dtype).requires_grad_()
    weight = torch.randn(300, 16, generator=generator).to(dtype).requires_grad_()
    return hidden, weight, torch.randint(300, (23,), generator=generator)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_values_and_gradients(monkeypatch, temperature):
    from trl.trainer.utils import selective_log_softmax_and_entropy

    # Few rows at a time, so that the chunks' seams are among what is compared.
    monkeypatch.setitem(chunked_head.CHUNK_ELEMENTS, "cpu", 300 * 5)
    hidden, weight, targets = head()
    ours = score_tokens(hidden, weight, None, targets, temperature=temperature)
    theirs = selective_log_softmax_and_entropy(hidden @ weight.T, targets, temperature=temperature)
    torch.testing.assert_close((ours.log_probs, ours.entropy), theirs, atol=1e-5, rtol=1e-5)
    pushes = torch.randn(2, 23, generator=torch.Generator().manual_seed(1))
    found, expected = (
        torch.autograd.grad((log_probs * pushes[0] + entropy * pushes[1]).sum(), (hidden, weight))
        for log_probs, entropy in ((ours.log_probs, ours.entropy), theirs)
    )
    for own, other in zip(found, expected, strict=True):
        assert relative_error(own, other) < 1e-5


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_whole_networks(base, dtype, tolerance, temperature):
    from trl.trainer.utils import add_fused_lm_head

    model = load_causal_model(base, dtype=dtype)
    rows = make_rows(model, temperature=temperature)
    pairs = [(row.prompt_ids, row.completion_ids) for row in rows]
    other = copy.deepcopy(model)
    add_fused_lm_head(other, temperature=temperature, outputs=("log_probs", "entropy"))
    policy = Policy(model, temperature=temperature, micro_batch_tokens=1000)
    with torch.no_grad():
        scores = policy.score(policy.plan(pairs)[0])
        for place, row in enumerate(scores.rows):
            prompt, completion = pairs[row]
            ids = torch.tensor([[*prompt, *completion]])
            labels = ids.masked_fill(torch.arange(ids.shape[1])[None] < len(prompt), -100)
            found = other(input_ids=ids, labels=labels, fused_lm_head=True)
            for own, theirs in ((scores.log_probs, found.log_probs), (scores.entropy, found.entropy)):
                torch.testing.assert_close(
                    own[place][scores.mask[place]], theirs[0, -len(completion) :].float(), atol=tolerance, rtol=0
                )
