"""One step's gradient does not depend on how it is portioned, padded or shared out."""

import pytest
import torch

from rewardmodel.records import ExampleRecord, PreferenceRecord, Votes
from rewardmodel.runtime.master_weights import MasterWeights
from rltrainer.config_learning import OptimizerConfig
from rltrainer.config_offline import PreferenceLossConfig
from rltrainer.memory import MicroBatchBudget
from rltrainer.offline.data import encode_example, encode_preference
from rltrainer.offline.imitation import Imitation
from rltrainer.offline.learner import Learner
from rltrainer.offline.portions import plan_portions
from rltrainer.offline.preference import Preference
from rltrainer.optimization import build_adamw
from rltrainer.policy import Policy
from rltrainer.tally import Tally
from rltrainer.weight_stepper import WeightStepper

ASK = ({"role": "user", "content": "why?"},)
TEXTS = ["a", "because of that", "no", "who knows, nobody does", "yes yes yes", "x" * 30, "four", "i"]


def _learner(model, micro_batch_tokens=1000):
    config = OptimizerConfig(learning_rate=1e-3)
    masters = MasterWeights(model)
    stepper = WeightStepper(
        masters, build_adamw(masters.parameters, config), config, budget=MicroBatchBudget(micro_batch_tokens)
    )
    return Learner(Policy(model, temperature=1.0, micro_batch_tokens=micro_batch_tokens), stepper)


def _examples(renderer):
    return [encode_example(ExampleRecord(str(i), str(i % 3), ASK, text), renderer) for i, text in enumerate(TEXTS)]


def _preferences(renderer, config):
    pairs = zip(TEXTS[0::2], TEXTS[1::2], strict=True)
    return [
        encode_preference(
            PreferenceRecord(str(i), str(i), ASK, chosen, rejected, votes=Votes(3, i % 3, 1), weight=1 + i),
            renderer,
            config,
        )
        for i, (chosen, rejected) in enumerate(pairs)
    ]


def _objective(kind, learner, renderer):
    if kind == "sft":
        return _examples(renderer), Imitation()
    config = PreferenceLossConfig(kind="ipo" if kind == "ipo" else "sigmoid")
    lessons = _preferences(renderer, config)
    # A reference somewhere else, so that no term of the gradient vanishes.
    known = {lesson.key: (-20.0 - place, -31.0) for place, lesson in enumerate(lessons)}
    return lessons, Preference(config, known)


def _gradient(model, renderer, kind, micro_batch_tokens):
    model.requires_grad_(True)
    learner = _learner(model, micro_batch_tokens)
    lessons, objective = _objective(kind, learner, renderer)
    seen = {}

    def keep(learning_rate):
        seen["gradient"] = torch.cat([p.grad.flatten() for p in learner.stepper.masters.parameters]).clone()
        learner.stepper.masters.clear_gradients()

    learner.stepper._move = keep
    tally = Tally()
    learner.learn(lessons, objective, learning_rate=1e-3, tally=tally)
    return seen["gradient"], tally.values()


@pytest.mark.parametrize("kind", ["sft", "dpo", "ipo"])
def test_one_micro_batch_of_all_equals_one_each(model, renderer, kind):
    whole, whole_values = _gradient(model, renderer, kind, 4000)
    single, single_values = _gradient(model, renderer, kind, 1)
    assert whole.norm() > 0
    torch.testing.assert_close(single, whole, rtol=1e-5, atol=1e-6)
    assert single_values == pytest.approx(whole_values, rel=1e-5)


def test_sft_is_plain_cross_entropy_on_the_response(model, renderer):
    """Held against the network's own logits, with labels as anybody would set them."""
    _, values = _gradient(model, renderer, "sft", 300)
    total, tokens = 0.0, 0
    for lesson in _examples(renderer):
        (response,) = lesson.responses
        logits = model(torch.tensor([[*lesson.prompt_ids, *response]])).logits[0, len(lesson.prompt_ids) - 1 : -1]
        total += float(torch.nn.functional.cross_entropy(logits.detach(), torch.tensor(response), reduction="sum"))
        tokens += len(response)
    assert values["loss"] == pytest.approx(total / tokens, rel=1e-5)


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("max_tokens", [1, 90, 5000])
def test_portions_hold_every_response_once_and_keep_pairs_together(renderer, max_tokens, padded):
    lessons = _preferences(renderer, PreferenceLossConfig())
    portions = plan_portions(lessons, max_tokens=max_tokens, width=32, padded=padded)
    placed = [sorted(row for cluster in clusters for row in cluster.rows) for clusters in portions]
    assert sorted(row for rows in placed for row in rows) == list(range(8))
    for rows, clusters in zip(placed, portions, strict=True):
        assert all(row + 1 in rows for row in rows[0::2])
        for cluster in clusters:
            for row, response in zip(cluster.rows, cluster.completions, strict=True):
                assert response == lessons[row // 2].responses[row % 2]


def test_a_reference_that_is_the_policy_gives_no_lead(model, renderer):
    learner = _learner(model, 200)
    config = PreferenceLossConfig()
    lessons = _preferences(renderer, config)
    known = dict(zip((lesson.key for lesson in lessons), learner.score(lessons), strict=True))
    tally = Tally()
    Preference(config, known)
    learner.learn(lessons, Preference(config, known), learning_rate=1e-3, tally=tally)
    assert tally.values()["reward_margin"] == 0.0
    learner.learn(lessons, Preference(config, known), learning_rate=1e-3, tally=(later := Tally()))
    assert later.values()["loss"] < tally.values()["loss"]


def test_running_out_of_memory_halves_the_micro_batches_and_changes_nothing(model, renderer):
    whole, _ = _gradient(model, renderer, "sft", 64)
    learner = _learner(model, 128)
    score, failures = learner.policy.score, iter([True])

    def short_of_memory(clusters):
        if len(clusters) > 1 and next(failures, False):
            raise torch.OutOfMemoryError("no room")
        return score(clusters)

    learner.policy.score = short_of_memory
    seen = {}
    learner.stepper._move = lambda rate: seen.update(
        gradient=torch.cat([p.grad.flatten() for p in learner.stepper.masters.parameters]).clone()
    )
    learner.stepper.masters.clear_gradients()
    learner.learn(_examples(renderer), Imitation(), learning_rate=1e-3, tally=Tally())
    assert learner.stepper.budget.tokens == 64
    torch.testing.assert_close(seen["gradient"], whole, rtol=0, atol=0)
