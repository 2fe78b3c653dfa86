import torch

from rewardmodel.runtime.backbones import load_causal_model
from rewardmodel.runtime.master_weights import MasterWeights
from rltrainer.layouts import Cluster
from rltrainer.policy import Policy
from rltrainer.value_head import attach_value_head, without_value_head

CLUSTERS = [Cluster((5, 6, 7), ((8, 9), (10, 11, 12)), (0, 1)), Cluster((9, 9), ((4,),), (2,))]


def _policy(model):
    return Policy(model, temperature=0.7, micro_batch_tokens=500)


def test_it_expects_nothing_at_first_and_leaves_the_scores_alone(model):
    plain = _policy(model).score(CLUSTERS)
    assert plain.values is None
    attach_value_head(model)
    scores = _policy(model).score(CLUSTERS)
    assert torch.equal(scores.log_probs, plain.log_probs)
    assert scores.values is not None
    assert scores.values.abs().max() == 0


def test_a_value_is_read_where_its_token_is_foretold(model):
    head = attach_value_head(model)
    torch.nn.init.normal_(head.weight)
    values = _policy(model).score(CLUSTERS).values
    assert values is not None
    hidden = model.base_model(input_ids=torch.tensor([[5, 6, 7, 10, 11, 12]])).last_hidden_state
    torch.testing.assert_close(values[1], head(hidden[0, 2:5]).squeeze(1))
    assert values[2, 1:].tolist() == [0.0, 0.0]


def test_it_learns_with_the_body_and_stays_behind_when_the_policy_is_saved(base):
    model = load_causal_model(base, dtype=torch.bfloat16)
    names = {name for name, _ in model.named_parameters()}
    head = attach_value_head(model)
    assert head.weight.dtype == torch.float32
    masters = MasterWeights(model)
    values = _policy(model).score(CLUSTERS).values
    assert values is not None
    (values - 1).square().sum().backward()
    masters.collect()
    assert head.weight.grad is not None
    assert head.weight.grad.abs().sum() > 0
    assert masters.pack().keys() - names == {"value_head.weight", "value_head.bias"}
    assert without_value_head(masters.pack()).keys() == names
