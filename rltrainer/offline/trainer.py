"""The loop of learning from given responses. It holds no mathematics of its own."""

import logging

import torch

from rewardmodel.runtime.faults import Interrupted
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.seeding import derive_generator
from rltrainer.checkpoint_keeper import CheckpointKeeper
from rltrainer.config_offline import OfflineConfig
from rltrainer.config_warmup import explain_long_warmup
from rltrainer.offline.lesson import Lesson
from rltrainer.offline.outcome import finish, look_at_start
from rltrainer.offline.session import Session, open_session
from rltrainer.optimization import learning_rate_at
from rltrainer.progress import Progress, load_progress
from rltrainer.ranks import SINGLE, Ranks, start_ranks, stop_ranks
from rltrainer.stopwatch import Stopwatch
from rltrainer.tally import Tally

log = logging.getLogger(__name__)


def train(directory: RunDirectory, config: OfflineConfig) -> None:
    """The command `train` for `sft` and `dpo`. Raises: ConfigError, DataError, Cancelled, Diverged."""
    ranks = start_ranks(device=config.model.device)
    OfflineTrainer(directory, config, ranks).run()
    stop_ranks(ranks)


class OfflineTrainer:
    """One run on one run directory."""

    def __init__(self, directory: RunDirectory, config: OfflineConfig, ranks: Ranks = SINGLE) -> None:
        self.directory = directory
        self.config = config
        self.ranks = ranks

    def run(self) -> None:
        """From wherever the directory stands to its result."""
        session = open_session(self.directory, self.config, ranks=self.ranks)
        progress = load_progress(
            self.directory,
            session.parts,
            config=self.config.to_dict(),
            data_sha256=session.lessons.sha256,
            compute=session.compute,
        )
        self.directory.status.update(total_steps=session.schedule.steps, step=progress.step)
        self._tell_of_long_warmup(session.schedule.steps)
        if not session.start.sums:
            look_at_start(self.directory, self.config, session)
        self._train(session, progress)
        finish(self.directory, self.config, session, steps=progress.step)

    def _tell_of_long_warmup(self, steps: int) -> None:
        """At every start, for the number of steps is known only with the data."""
        if sentence := explain_long_warmup(self.config.optimizer, steps=steps):
            log.warning("%s", sentence)
            told = {"step": 0, "brake": "warmup", "action": "warn", "sentence": sentence}
            self.directory.status.update(warnings=(told,))

    def _train(self, session: Session, progress: Progress) -> None:
        keeper = CheckpointKeeper(
            self.directory,
            progress,
            session.parts,
            config=self.config.to_dict(),
            due=self.config.checkpoint,
            data_sha256=session.lessons.sha256,
            ranks=self.ranks,
        )
        steps = session.schedule.steps
        self.directory.status.update(phase="train", message=f"step {progress.step} of {steps}")
        while progress.step < steps:
            keeper.stop_if_asked()
            try:
                self._step(session, progress)
            except Interrupted:
                continue  # No weight has moved: the step is done again when the run goes on.
            keeper.save_if_due(now=progress.step == steps)

    def _step(self, session: Session, progress: Progress) -> None:
        watch, tally = Stopwatch(), Tally()
        # Before the weights move: a stop during the look then costs nothing but the look.
        with watch.part("evaluate"):
            looked = self._look(session, progress.step)
        batch = session.schedule.batch(progress.step)
        rate = learning_rate_at(progress.step, config=self.config.optimizer, steps=session.schedule.steps)
        with watch.part("train"):
            session.learner.learn(batch, session.objective, learning_rate=rate, tally=tally)
        progress.step += 1
        times = watch.values()
        tokens = sum(lesson.tokens for lesson in batch)
        measured = tally.values()
        speed = {"tokens": float(tokens), "tokens_per_second_train": tokens / times["seconds_train"]}
        work = session.peak.describe(measured, times["seconds_train"])
        self.directory.append_metrics(
            progress.step, {**measured, **looked, "learning_rate": rate, **speed, **work, **times}
        )
        message = f"step {progress.step} of {session.schedule.steps}"
        self.directory.status.update(step=progress.step, seconds_per_step=times["seconds_step"], message=message)
        log.info("%s: loss %.4f, %.2f s", message, measured["loss"], times["seconds_step"])

    def _look(self, session: Session, step: int) -> dict[str, float]:
        """How the policy does on the monitored held-out lessons before this step, where a look is due."""
        every = self.config.evaluation.every_steps
        if not every or step % every:
            return {}
        monitored = self._monitored(session)
        return session.objective.look(monitored, session.learner.score(monitored))

    def _monitored(self, session: Session) -> list[Lesson]:
        lessons = session.lessons.held_out
        order = torch.randperm(len(lessons), generator=derive_generator(self.config.seed, "monitor")).tolist()
        return [lessons[index] for index in order[: self.config.evaluation.monitor_records]]
