"""A policy that learns from lessons: micro-batches through the network, and one optimizer step from them."""

from collections.abc import Sequence

import torch

from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rltrainer.architecture import output_head
from rltrainer.joint_passes import count_missing, run_for_others
from rltrainer.layouts import Cluster
from rltrainer.llama.body import find_body
from rltrainer.memory import within_memory
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

    def __init__(self, policy: Policy, stepper: WeightStepper, *, is_apart: bool = False) -> None:
        """is_apart: the policy has weights of its own, whole on every rank, which the stepper does not move."""
        self.policy = policy
        self.is_spread = stepper.masters.is_spread and not is_apart
        self.stepper = stepper
        self.work = WorkCount(policy.model)

    def learn(self, lessons: Sequence[Lesson], objective: Objective, *, learning_rate: float, tally: Tally) -> None:
        """One optimizer step on these lessons.

        Raises: Diverged; Interrupted where the run should stop and no weight has moved.
        """
        size = StepSize(records=len(lessons), tokens=sum(lesson.tokens for lesson in lessons))
        mine = self._share(lessons)

        def accumulate(own: Tally) -> None:
            self._accumulate(mine, objective, size, own, spare=lessons[0])

        self.stepper.take(accumulate, learning_rate=learning_rate, tally=tally)

    @torch.no_grad()
    def score(self, lessons: Sequence[Lesson]) -> list[Sums]:
        """Log-probs of each lesson's responses. Raises: Interrupted where the run should stop."""
        ranks = self.stepper.ranks
        mine = self._share(lessons)
        if self.is_spread:
            return ranks.join(self._score_together(mine, spare=lessons[0]))
        halve = self.stepper.budget.halve
        return ranks.join(ranks.attempt(lambda: within_memory(lambda: self._score(mine, self.portions(mine)), halve)))

    def _score_together(self, lessons: Sequence[Lesson], *, spare: Lesson) -> list[Sums]:
        """The same with spread weights, by the very passes that learning makes."""
        portions = self.portions(lessons)
        missing = count_missing(len(portions), self.stepper.ranks, check=self.policy.check)
        found = self._score(lessons, portions, check=never_stop)
        for _ in range(missing):
            self.policy.score(self.portions([spare])[0])
        return found

    def _share(self, lessons: Sequence[Lesson]) -> list[Lesson]:
        return self.stepper.ranks.share(lessons, weights=[float(lesson.tokens) for lesson in lessons])

    def _score(
        self, lessons: Sequence[Lesson], portions: Sequence[Sequence[Cluster]], *, check: StopCheck | None = None
    ) -> list[Sums]:
        found: list[Sums] = [()] * len(lessons)
        for clusters in portions:
            (check or self.policy.check)()
            answers = _in_order(self.policy.score(clusters))
            sums = sum_log_probs(answers.log_probs, answers.mask, per_token=False).tolist()
            width = len(lessons[0].responses)
            for place, member in enumerate(_members(clusters, width)):
                found[member] = tuple(sums[place * width : (place + 1) * width])
        return found

    def _accumulate(
        self, lessons: Sequence[Lesson], objective: Objective, size: StepSize, tally: Tally, *, spare: Lesson
    ) -> None:
        portions = self.portions(lessons)
        self.work.note(portions, tally)
        self.policy.take_room()
        missing = 0
        if self.is_spread:
            missing = count_missing(len(portions), self.stepper.ranks, check=self.policy.check)
        for clusters in portions:
            if not self.is_spread:
                self.policy.check()
            answers = _in_order(self.policy.score(clusters))
            own = [lessons[member] for member in _members(clusters, len(lessons[0].responses))]
            loss = objective.loss(answers, own, size, tally)
            loss.backward()
            self.stepper.masters.collect()
            tally.add_sum("loss", float(loss.detach()))
        run_for_others(self.policy, self.stepper.masters, (spare.prompt_ids, spare.responses[0]), missing)

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
