"""A policy that learns from lessons: micro-batches through the network, and one optimizer step from them."""

from collections.abc import Sequence

import torch

from rltrainer.architecture import output_head
from rltrainer.layouts import Cluster
from rltrainer.llama.body import find_body
from rltrainer.offline.lesson import Lesson
from rltrainer.offline.objective import Answers, Objective, StepSize, Sums
from rltrainer.offline.portions import plan_portions
from rltrainer.offline_losses import sum_log_probs
from rltrainer.policy import CompletionScores, Policy
from rltrainer.step_work import WorkCount
from rltrainer.tally import Tally
from rltrainer.weight_stepper import WeightStepper


class Learner:
    """Scores and learns lessons; the same micro-batches in either case, so that equal weights give equal numbers."""

    def __init__(self, policy: Policy, stepper: WeightStepper) -> None:
        self.policy = policy
        self.stepper = stepper
        self.work = WorkCount(policy.model)

    def learn(self, lessons: Sequence[Lesson], objective: Objective, *, learning_rate: float, tally: Tally) -> None:
        """One optimizer step on these lessons.

        Raises: Diverged; Interrupted where the run should stop and no weight has moved.
        """
        size = StepSize(records=len(lessons), tokens=sum(lesson.tokens for lesson in lessons))
        mine = self._share(lessons)

        def accumulate(own: Tally) -> None:
            self._accumulate(mine, objective, size, own)

        self.stepper.take(accumulate, learning_rate=learning_rate, tally=tally)

    @torch.no_grad()
    def score(self, lessons: Sequence[Lesson]) -> list[Sums]:
        """Log-probs of each lesson's responses. Raises: Interrupted where the run should stop."""
        ranks = self.stepper.ranks
        mine = self._share(lessons)
        return ranks.join(ranks.attempt(lambda: self._score(mine)))

    def _share(self, lessons: Sequence[Lesson]) -> list[Lesson]:
        return self.stepper.ranks.share(lessons, weights=[float(lesson.tokens) for lesson in lessons])

    def _score(self, lessons: Sequence[Lesson]) -> list[Sums]:
        found: list[Sums] = [()] * len(lessons)
        for clusters in self.portions(lessons):
            self.policy.check()
            answers = _in_order(self.policy.score(clusters))
            sums = sum_log_probs(answers.log_probs, answers.mask, per_token=False).tolist()
            width = len(lessons[0].responses)
            for place, member in enumerate(_members(clusters, width)):
                found[member] = tuple(sums[place * width : (place + 1) * width])
        return found

    def _accumulate(self, lessons: Sequence[Lesson], objective: Objective, size: StepSize, tally: Tally) -> None:
        portions = self.portions(lessons)
        self.work.note(portions, tally)
        for clusters in portions:
            self.policy.check()
            answers = _in_order(self.policy.score(clusters))
            own = [lessons[member] for member in _members(clusters, len(lessons[0].responses))]
            loss = objective.loss(answers, own, size, tally)
            loss.backward()
            self.stepper.masters.collect()
            tally.add_sum("loss", float(loss.detach()))

    def portions(self, lessons: Sequence[Lesson]) -> list[list[Cluster]]:
        """The lessons in the micro-batches that they are scored and learned in."""
        width = output_head(self.policy.model).in_features
        padded = find_body(self.policy.model) is None
        return plan_portions(lessons, max_tokens=self.stepper.budget.tokens, width=width, padded=padded)


def _members(clusters: Sequence[Cluster], responses: int) -> list[int]:
    """The lessons of a micro-batch, ascending."""
    return sorted({row // responses for cluster in clusters for row in cluster.rows})


def _in_order(scores: CompletionScores) -> Answers:
    """The scores with their rows ascending: lesson after lesson, each with its responses in order."""
    order = sorted(range(len(scores.rows)), key=scores.rows.__getitem__)
    return Answers(scores.log_probs[order], scores.entropy[order], scores.mask[order])
