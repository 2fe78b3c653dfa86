"""SFT and DPO against TRL 1.16: `compute_loss` on what its own collator makes of its own tokens, weights to weights.

Ours is one step of the trainer's learner, in micro-batches, with responses of one prompt sharing it.
"""

import copy

import pytest
import torch

from rewardmodel.records import ExampleRecord, PreferenceRecord
from rewardmodel.runtime.backbones import load_tokenizer
from rewardmodel.runtime.master_weights import MasterWeights
from rltrainer.config_learning import OptimizerConfig
from rltrainer.config_offline import PreferenceLossConfig
from rltrainer.memory import MicroBatchBudget
from rltrainer.offline.data import encode_example
from rltrainer.offline.imitation import Imitation
from rltrainer.offline.learner import Learner
from rltrainer.offline.lesson import Lesson
from rltrainer.offline.preference import Preference
from rltrainer.optimization import build_adamw
from rltrainer.policy import Policy
from rltrainer.tally import Tally
from rltrainer.weight_stepper import WeightStepper
from tests.rltrainer.gradients import GradientWatch, relative_error

pytestmark = pytest.mark.xdist_group("trl")

QUESTIONS = ["why?", "how are you", "tell me more", "who"]
BETTER = ["because", "I am well, thank you", "there is no more to tell", "me"]
WORSE = ["no", "so so", "x" * 25, "nobody knows who, so do not ask"]
OPTIONS = {"use_cpu": True, "bf16": False, "report_to": [], "per_device_train_batch_size": 4, "max_length": None}


def message(role, content):
    return [{"role": role, "content": content}]


def our_step(model, lessons, objective):
    masters, config = MasterWeights(model), OptimizerConfig(max_grad_norm=1e9)
    masters.clear_gradients()
    adamw = build_adamw(masters.parameters, config)
    watch = GradientWatch(masters, adamw)
    stepper = WeightStepper(masters, adamw, config, budget=MicroBatchBudget(60))
    tally = Tally()
    Learner(Policy(model, temperature=1.0, micro_batch_tokens=60), stepper).learn(
        lessons, objective, learning_rate=0.0, tally=tally
    )
    return tally.values()["loss"], watch.gradient


def their_step(trainer, inputs, **arguments):
    trainer.model.train()
    loss = trainer.compute_loss(trainer.model, inputs, **arguments)
    loss.backward()
    return float(loss.detach()), torch.cat([p.grad.flatten() for p in trainer.model.parameters()])


def agree(ours, theirs, *, tolerance=1e-6):
    assert ours[0] == pytest.approx(theirs[0], abs=tolerance)
    assert float(theirs[1].norm()) > 1e-3
    assert relative_error(ours[1], theirs[1]) < tolerance


@pytest.fixture
def sft_trainer(base, model, tmp_path):
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    rows = [
        {"prompt": message("user", question), "completion": message("assistant", answer)}
        for question, answer in zip(QUESTIONS, BETTER, strict=True)
    ]
    return SFTTrainer(
        model=copy.deepcopy(model),
        args=SFTConfig(output_dir=str(tmp_path), **OPTIONS),
        train_dataset=Dataset.from_list(rows),
        processing_class=load_tokenizer(base),
    )


def split(row):
    """TRL's tokens of a prompt and its response."""
    start = next(place for place, label in enumerate(row["labels"]) if label != -100)
    return tuple(row["input_ids"][:start]), tuple(row["input_ids"][start:])


def test_imitation(model, sft_trainer):
    rows = list(sft_trainer.train_dataset)
    lessons = []
    for number, row in enumerate(rows):
        prompt, response = split(row)
        lessons.append(Lesson(ExampleRecord(str(number), str(number), (), ""), prompt, (response,)))
    theirs = their_step(sft_trainer, sft_trainer.data_collator(rows))
    agree(our_step(model, lessons, Imitation()), theirs)


def test_tokens_to_imitate_are_trls_up_to_the_end_of_the_turn(renderer, sft_trainer):
    # What the template writes behind the end of a turn, here a line break, is nothing that the model should say.
    for row, question, answer in zip(sft_trainer.train_dataset, QUESTIONS, BETTER, strict=True):
        prompt, response = split(row)
        record = ExampleRecord("e", "q", tuple(message("user", question)), answer)
        lesson = encode_example(record, renderer)
        assert lesson.prompt_ids == prompt
        (own,) = lesson.responses
        assert own == response[: len(own)]
        assert own[-1] in renderer.stop_ids
        assert not set(response[len(own) :]) & set(renderer.stop_ids)


def make_dpo_trainer(base, model, reference, folder, **options):
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    rows = [
        {"prompt": message("user", q), "chosen": message("assistant", good), "rejected": message("assistant", bad)}
        for q, good, bad in zip(QUESTIONS, BETTER, WORSE, strict=True)
    ]
    return DPOTrainer(
        model=copy.deepcopy(model),
        ref_model=copy.deepcopy(reference),
        args=DPOConfig(output_dir=str(folder), **OPTIONS, **options),
        train_dataset=Dataset.from_list(rows),
        processing_class=load_tokenizer(base),
    )


@pytest.mark.parametrize("kind", ["sigmoid", "ipo"])
def test_preference(base, model, tmp_path, kind):
    reference = copy.deepcopy(model)
    with torch.no_grad():
        for number, parameter in enumerate(reference.parameters()):
            parameter += 0.02 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number))
    trainer = make_dpo_trainer(base, model, reference, tmp_path, loss_type=[kind], beta=0.3)
    rows = list(trainer.train_dataset)
    lessons = [
        Lesson(
            PreferenceRecord(str(number), str(number), (), "", ""),
            tuple(row["prompt_ids"]),
            (tuple(row["chosen_ids"]), tuple(row["rejected_ids"])),
        )
        for number, row in enumerate(rows)
    ]
    policy = Policy(reference, temperature=1.0, micro_batch_tokens=60)
    known = {
        lesson.key: tuple(
            sum(values) for values in policy.log_probs([(lesson.prompt_ids, response) for response in lesson.responses])
        )
        for lesson in lessons
    }
    objective = Preference(PreferenceLossConfig(kind=kind, beta=0.3), known)
    theirs = their_step(trainer, trainer.data_collator(rows))
    # Some 150 nats are summed for each response, in float32, and subtracted: 2e-6 of a nat is their last place.
    agree(our_step(model, lessons, objective), theirs, tolerance=5e-6)
