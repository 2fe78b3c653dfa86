"""Direct preference optimisation: lean to the chosen responses more than the reference does."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy
import torch
from torch import Tensor

from rewardmodel.config import EvaluationConfig
from rewardmodel.data import EncodedPair
from rewardmodel.evaluation import build_report
from rewardmodel.intervals import estimate_ratio, estimate_share
from rewardmodel.metrics import count_hits
from rewardmodel.records import PreferenceRecord
from rewardmodel.runtime.faults import Diverged
from rltrainer.config_offline import PreferenceLossConfig
from rltrainer.offline.lesson import Lesson
from rltrainer.offline.objective import Answers, StepSize, Sums
from rltrainer.offline_losses import dpo_losses, log_ratio_lead, sum_log_probs
from rltrainer.tally import Tally


class Preference:
    """The objective of kind `dpo`."""

    def __init__(self, config: PreferenceLossConfig, reference: Mapping[tuple[str, str], Sums]) -> None:
        self.config = config
        self.reference = reference
        """By lesson: what the reference thinks of its two responses."""

    def loss(self, answers: Answers, lessons: Sequence[Lesson], size: StepSize, tally: Tally) -> Tensor:
        """This micro-batch's share of the mean over the step's pairs."""
        sums = sum_log_probs(answers.log_probs, answers.mask, per_token=False)
        losses = self._losses(sums.view(-1, 2), self._known(lessons, sums), lessons)
        self._tally(sums.detach().view(-1, 2), lessons, tally)
        tally.add_mean("entropy", answers.entropy, answers.mask)
        return losses.sum() / size.records

    def look(self, lessons: Sequence[Lesson], sums: Sequence[Sums]) -> dict[str, float]:
        """Mean loss, and how often the chosen response gained more than the rejected one."""
        pairs = torch.tensor(sums)
        reference = self._known(lessons, pairs)
        lead = log_ratio_lead(*pairs.unbind(1), *reference.unbind(1))
        return {
            "eval_loss": float(self._losses(pairs, reference, lessons).double().mean()),
            "eval_accuracy": float(count_hits(lead.numpy()).mean()),
        }

    def judge(
        self, lessons: Sequence[Lesson], before: Sequence[Sums], after: Sequence[Sums], confidence: float
    ) -> dict[str, Any]:
        """The policy as a reward model of its own, by the measures of one, and where the likelihood went."""
        now, start = numpy.array(after), numpy.array(before)
        reference = numpy.array([self.reference[lesson.key] for lesson in lessons])
        rewards = self.config.beta * (now - reference)
        if not numpy.isfinite(rewards).all():
            raise Diverged("log-probs of held-out responses are not finite; lower optimizer.learning_rate")
        settings = EvaluationConfig(confidence=confidence)
        report = build_report([_encoded(lesson) for lesson in lessons], (rewards[:, 0], rewards[:, 1]), settings)
        prompts = [lesson.record.prompt_id for lesson in lessons]
        means = {
            "reward_margin": rewards[:, 0] - rewards[:, 1],
            "log_prob_chosen_change": (now - start)[:, 0],
            "log_prob_rejected_change": (now - start)[:, 1],
        }
        ones = numpy.ones(len(lessons))
        old, new = (count_hits(sums[:, 0] - sums[:, 1]) for sums in (start, now))
        return {
            **report,
            **{name: asdict(estimate_ratio(each, ones, prompts, confidence)) for name, each in means.items()},
            # Whether the policy itself gives the chosen response the greater log-prob, ties half.
            "likelier_before": asdict(estimate_share(old, ones, prompts, confidence)),
            "likelier_after": asdict(estimate_share(new, ones, prompts, confidence)),
            "likelier_gain": asdict(estimate_ratio(new - old, ones, prompts, confidence, span=(-1.0, 1.0))),
        }

    def _losses(self, sums: Tensor, reference: Tensor, lessons: Sequence[Lesson]) -> Tensor:
        """[pairs] from [pairs, 2]."""
        if self.config.kind == "ipo":
            lengths = [[len(ids) for ids in lesson.responses] for lesson in lessons]
            divisor = torch.tensor(lengths, dtype=sums.dtype, device=sums.device)
            sums, reference = sums / divisor, reference / divisor
        wishes = [(lesson.target, lesson.weight) for lesson in lessons]
        target, weight = torch.tensor(wishes, dtype=sums.dtype, device=sums.device).unbind(1)
        return dpo_losses(
            *sums.unbind(1),
            *reference.unbind(1),
            beta=self.config.beta,
            target=target,
            weight=weight,
            loss=self.config.kind,
        )

    def _known(self, lessons: Sequence[Lesson], like: Tensor) -> Tensor:
        """What the reference thinks: [pairs, 2]."""
        rows = [self.reference[lesson.key] for lesson in lessons]
        return torch.tensor(rows, dtype=like.dtype, device=like.device)

    def _tally(self, sums: Tensor, lessons: Sequence[Lesson], tally: Tally) -> None:
        rewards = self.config.beta * (sums - self._known(lessons, sums))
        margin = rewards[:, 0] - rewards[:, 1]
        tally.add_mean("accuracy", (margin > 0).double() + 0.5 * (margin == 0))
        tally.add_mean("reward_margin", margin)
        for column, name in enumerate(("chosen", "rejected")):
            tally.add_mean(f"reward_{name}", rewards[:, column])
            tally.add_mean(f"log_prob_{name}", sums[:, column])


def _encoded(lesson: Lesson) -> EncodedPair:
    if not isinstance(lesson.record, PreferenceRecord):
        raise TypeError(f"a preference is judged, not {type(lesson.record).__name__}")
    chosen, rejected = lesson.responses
    return EncodedPair(lesson.record, (*lesson.prompt_ids, *chosen), (*lesson.prompt_ids, *rejected), 0)
