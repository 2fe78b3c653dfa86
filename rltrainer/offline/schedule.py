"""PURE: which lessons each step of a run learns from."""

from collections.abc import Sequence

from rewardmodel.batching import plan_epoch
from rltrainer.config_offline import TrainingConfig
from rltrainer.offline.lesson import Lesson


class Schedule:
    """Every lesson once an epoch, alike lengths together, steps in random order: the seed alone decides."""

    def __init__(self, lessons: Sequence[Lesson], config: TrainingConfig, *, seed: int) -> None:
        self.lessons = lessons
        self.config = config
        self.seed = seed
        self._plans: dict[int, list[list[int]]] = {}

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in one pass; one of them may be smaller."""
        return -(-len(self.lessons) // self.config.records_per_step)

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        whole = self.config.epochs * self.steps_per_epoch
        return min(whole, self.config.max_steps or whole)

    def batch(self, step: int) -> list[Lesson]:
        """The lessons of a step, counted from 0."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch not in self._plans:
            self._plans = {epoch: self._plan(epoch)}
        return [self.lessons[index] for index in self._plans[epoch][place]]

    def first_visits(self) -> list[list[Lesson]]:
        """The batches of the first epoch, as far as the run comes: every lesson that it ever sees."""
        return [self.batch(step) for step in range(min(self.steps, self.steps_per_epoch))]

    def _plan(self, epoch: int) -> list[list[int]]:
        return plan_epoch(
            [lesson.longest for lesson in self.lessons],
            pairs_per_step=self.config.records_per_step,
            pool_steps=self.config.pool_steps,
            seed=self.seed,
            epoch=epoch,
        )
