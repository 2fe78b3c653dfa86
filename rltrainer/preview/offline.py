"""A record of a run on given responses, taken through the very step that trains, at learning rate 0."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.backbones import load_generation_config, load_tokenizer
from rewardmodel.runtime.device import select_device
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config_offline import DPOConfig, OfflineConfig
from rltrainer.layouts import lay_out
from rltrainer.offline.data import load_lessons
from rltrainer.offline.imitation import Imitation
from rltrainer.offline.learner import Learner
from rltrainer.offline.lesson import Lesson
from rltrainer.offline.objective import Answers, Objective, StepSize
from rltrainer.offline.preference import Preference
from rltrainer.offline.session import make_learner
from rltrainer.preview.records import Preview, PreviewCompletion, Role, notes_on
from rltrainer.preview.tokens import Columns, read_tokens, stop_tokens
from rltrainer.ranks import SINGLE
from rltrainer.tally import Tally
from rltrainer.workbench import load_network


def preview_offline(directory: RunDirectory, config: OfflineConfig, *, record: int) -> Preview:
    """What a step on one record of `data.train` alone would make of it.

    Raises: ConfigError or DataError as a run would; ConfigError where there is no such record.
    """
    model = config.model
    compute = select_device(device=model.device, precision=model.precision, threads=model.threads)
    folder = directory.resolve(model.path)
    renderer = Renderer(load_tokenizer(folder), load_generation_config(folder))
    lessons = load_lessons(directory, config, renderer)
    if not 0 <= record < len(lessons.train):
        raise ConfigError([f"--prompt: there are {len(lessons.train)} records, counted from 0"])
    lesson = lessons.train[record]
    learner = make_learner(directory, config, load_network(directory, model.path, compute), SINGLE)
    probe = _Probe(_objective(config, learner, lesson))
    learner.learn([lesson], probe, learning_rate=0.0, tally=Tally())
    completions = _describe(lesson, learner, probe, renderer)
    longest = config.data.max_length_tokens
    return Preview(
        kind=config.kind,
        prompt_id=lesson.record.prompt_id,
        prompt=lesson.record.prompt,
        stop_tokens=stop_tokens(renderer),
        longest=longest,
        completions=completions,
        notes=(*notes_on(completions, longest=longest), *_notes(config, lesson, lessons.left_out)),
    )


class _Probe:
    """An objective that remembers how much each token's log-probability weighs in its loss."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.weights: list[list[float]] = []
        self.log_probs: list[list[float]] = []
        self.look = objective.look
        self.judge = objective.judge

    def loss(self, answers: Answers, lessons: Sequence[Lesson], size: StepSize, tally: Tally) -> Tensor:
        """The loss, which it leaves as it is."""
        loss = self.objective.loss(answers, lessons, size, tally)
        (gradient,) = torch.autograd.grad(loss, answers.log_probs, retain_graph=True)
        self.weights = [row[mask].tolist() for row, mask in zip(gradient, answers.mask, strict=True)]
        self.log_probs = [
            row[mask].tolist() for row, mask in zip(answers.log_probs.detach(), answers.mask, strict=True)
        ]
        return loss


def _objective(config: OfflineConfig, learner: Learner, lesson: Lesson) -> Objective:
    if not isinstance(config, DPOConfig):
        return Imitation()
    # Before the first step the policy is where the reference is.
    return Preference(config.loss, {lesson.key: learner.score([lesson])[0]})


def _describe(lesson: Lesson, learner: Learner, probe: _Probe, renderer: Renderer) -> tuple[PreviewCompletion, ...]:
    (clusters,) = learner.portions([lesson])
    layout = lay_out(clusters, device=learner.policy.device)
    roles: tuple[Role, ...] = ("response",) if len(lesson.responses) == 1 else ("chosen", "rejected")
    columns = [
        Columns(has_loss=[bool(weight) for weight in weights], loss=weights, log_prob=log_probs)
        for weights, log_probs in zip(probe.weights, probe.log_probs, strict=True)
    ]
    return tuple(
        PreviewCompletion(
            role=role,
            number=row,
            text=renderer.decode(lesson.responses[row]),
            finish_reason="stop",
            is_counted=True,
            tokens=tuple(read_tokens(layout, row, columns[row], renderer)),
        )
        for row, role in enumerate(roles)
    )


def _notes(config: OfflineConfig, lesson: Lesson, left_out: int) -> list[str]:
    notes = []
    if isinstance(config, DPOConfig):
        sure = f"people's votes make it {lesson.target:.0%} sure that the chosen response is better"
        notes.append(f"{sure}; the weights are those of a policy that is still where its reference is")
    if left_out:
        notes.append(f"{left_out} records are longer than data.max_length_tokens and are left out")
    return notes
