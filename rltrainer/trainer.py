"""The loop of policy training: collect, compare, step. It holds no mathematics of its own."""

import logging
from collections.abc import Sequence
from typing import Any

from rewardmodel.runtime.faults import Cancelled, Interrupted
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.seeding import derive_seed
from rewardmodel.runtime.threads import ThreadWatch, is_pinned
from rltrainer.algorithms.actor_critic import value_pairs
from rltrainer.algorithms.algorithm import Evidence
from rltrainer.brakes import Finding
from rltrainer.checkpoint_keeper import CheckpointKeeper
from rltrainer.config import OnlineConfig
from rltrainer.critic import CriticTerms, ValueLoss
from rltrainer.critic_network import rate_factor
from rltrainer.foreign_groups import explain_foreign_groups
from rltrainer.optimization import StepLoss, StepTerms, learning_rate_at
from rltrainer.outcome import answer_with_rivals, finish
from rltrainer.progress import Progress, load_progress
from rltrainer.ranks import SINGLE, Ranks, start_ranks, stop_ranks
from rltrainer.records import Group, TrainingBatch, TrainingRow, flatten_completions
from rltrainer.rollouts.judged import JudgedGroups
from rltrainer.rollouts.keep_rules import explain_idle_rule
from rltrainer.session import Session, open_session
from rltrainer.shown_answers import is_time_to_ask, show_answers
from rltrainer.step_metrics import describe_groups
from rltrainer.step_speed import describe_speed
from rltrainer.stopwatch import Stopwatch
from rltrainer.tally import Tally

log = logging.getLogger(__name__)


def train(directory: RunDirectory, config: OnlineConfig) -> None:
    """The command `train` for online kinds. Raises: ConfigError, DataError, Cancelled, Diverged."""
    ranks = start_ranks(device=config.model.device)
    Trainer(directory, config, ranks).run()
    stop_ranks(ranks)


class Trainer:
    """One run on one run directory."""

    def __init__(self, directory: RunDirectory, config: OnlineConfig, ranks: Ranks = SINGLE) -> None:
        self.directory = directory
        self.config = config
        self.ranks = ranks
        # Ranks wait for each other at every step: one that changes alone would gain nothing.
        self.threads = ThreadWatch(pinned=is_pinned(config.model.threads) or ranks.count > 1)

    def run(self) -> None:
        """From wherever the directory stands to its result."""
        session = open_session(self.directory, self.config, ranks=self.ranks)
        progress = load_progress(
            self.directory,
            session.parts,
            config=self.config.to_dict(),
            data_sha256=session.data_sha256,
            compute=session.bench.compute,
        )
        self.directory.status.update(
            total_steps=self.config.stop.steps,
            step=progress.step,
            warnings=tuple(progress.warnings),
            prompts_left_out=session.bench.prompts_left_out,
        )
        self._tell_of_idle_rule(progress)
        self._tell_of_foreign_groups(session, progress)
        if not progress.rival_marks:
            answer_with_rivals(self.directory, session.examination, session.reference, progress, self.config.evaluation)
        self._train(session, progress)
        finish(
            self.directory,
            self.config,
            session.examination,
            policy=session.bench.model,
            reference=session.reference,
            masters=session.optimizer.masters,
            progress=progress,
            history=session.collector.history,
            prompts_left_out=session.bench.prompts_left_out,
        )

    def _train(self, session: Session, progress: Progress) -> None:
        keeper = CheckpointKeeper(
            self.directory,
            progress,
            session.parts,
            config=self.config.to_dict(),
            due=self.config.checkpoint,
            data_sha256=session.data_sha256,
            ranks=self.ranks,
        )
        self.directory.status.update(phase="train", message=f"step {progress.step} of {self.config.stop.steps}")
        while progress.step < self.config.stop.steps and not progress.stopped_by:
            keeper.stop_if_asked()
            self.threads.adjust()
            before = session.collector.state()
            try:
                self._ask_people(session, progress.step)
                findings = self._step(session, progress)
            except Interrupted:
                # The step left no trace but gradients and prompts drawn: random states are those of its beginning.
                session.optimizer.masters.clear_gradients()
                session.collector.restore(before)
                continue
            pause = self._heed(findings, progress)
            last = progress.step == self.config.stop.steps or bool(progress.stopped_by)
            keeper.save_if_due(now=last or bool(pause))
            if pause:
                self._show_answers(session, progress.step)
                raise Cancelled(f"paused after step {progress.step}: {pause}")

    def _ask_people(self, session: Session, step: int) -> None:
        """Raises: Interrupted where the run should stop; the checkpoint of this step asks again."""
        if not is_time_to_ask(step, self.config.evaluation):
            return
        try:
            self._show_answers(session, step)
        except Cancelled as wish:
            raise Interrupted(str(wish)) from wish

    def _show_answers(self, session: Session, step: int) -> None:
        masters, config = session.optimizer.masters, self.config.evaluation
        show_answers(self.directory, session.examination, session.bench.model, masters, config=config, step=step)

    def _heed(self, findings: Sequence[Finding], progress: Progress) -> str:
        """Tell what the brakes found, and note a stop; gives the reason for a pause."""
        self._tell(findings, progress)
        progress.stopped_by = "; ".join(finding.sentence for finding in findings if finding.action == "stop")
        return "; ".join(finding.sentence for finding in findings if finding.action == "pause")

    def _tell_of_idle_rule(self, progress: Progress) -> None:
        """Once a run, before its first step; a checkpoint remembers that it was told."""
        sentence = explain_idle_rule(self.config.drawing, self.config.reward)
        if sentence and sentence not in {told["sentence"] for told in progress.warnings}:
            self._tell([Finding("warn", "dynamic_sampling", sentence)], progress)

    def _tell_of_foreign_groups(self, session: Session, progress: Progress) -> None:
        """Before the first step: later the policy is another one anyway."""
        config, collector = self.config.brakes, session.collector
        if progress.step == 0 and config.mismatch != "off" and isinstance(collector, JudgedGroups):
            limit = config.mismatch_limit
            if sentence := explain_foreign_groups(collector.groups, session.optimizer, limit=limit):
                self._tell([Finding("warn", "mismatch", sentence)], progress)

    def _tell(self, findings: Sequence[Finding], progress: Progress) -> None:
        told = [{"step": progress.step, "brake": f.brake, "action": f.action, "sentence": f.sentence} for f in findings]
        for finding in findings:
            log.warning("step %d, brake %s (%s): %s", progress.step, finding.brake, finding.action, finding.sentence)
        if told:
            progress.warnings.extend(told)
            self.directory.status.update(warnings=tuple(progress.warnings))

    def _step(self, session: Session, progress: Progress) -> list[Finding]:
        watch, tally = Stopwatch(), Tally()
        collected = session.collector.collect(progress.step, watch)
        tokens = 0
        if collected.groups:
            batch = self.prepare(session, progress, collected.groups, watch, tally)
            self._learn(session, progress, batch, watch, tally)
            tokens = batch.tokens
        measured: dict[str, Any] = {**describe_groups(collected.all_groups), **collected.metrics, **tally.values()}
        measured.update(kl_coefficient=session.controller.coefficient, **describe_speed(collected, tokens, watch))
        measured.update(session.peak.describe(measured, watch.seconds.get("train")))
        if "kl_sequence" in measured:
            session.controller.update(measured["kl_sequence"], len(flatten_completions(collected.groups)))
        # One rank reads for all: the others might find the file a line longer.
        measured.update(session.ranks.gather(session.people.news() if session.ranks.is_first else {})[0])
        self._record(progress, measured)
        found = session.brakes.observe(progress.step, measured)
        return [*found, Finding("stop", "dynamic_sampling", collected.stop)] if collected.stop else found

    def prepare(
        self, session: Session, progress: Progress, groups: Sequence[Group], watch: Stopwatch, tally: Tally
    ) -> TrainingBatch:
        """What is known about the completions, and the rows that follow from it."""
        pairs = [(group.prompt.token_ids, group.completions[i].token_ids) for group, i in flatten_completions(groups)]
        reference = None
        if self.config.kl.measure:
            with watch.part("reference"):
                reference = session.reference.log_probs(pairs)
        values = None
        if session.critic is not None:
            with watch.part("values"):
                asked = value_pairs(groups, bootstrap_truncated=self.config.gae.bootstrap_truncated)
                values = session.critic.values(asked)
        evidence = Evidence(
            policy_version=progress.step,
            kl_coefficient=session.controller.coefficient,
            reference_log_probs=reference,
            values=values,
        )
        return session.rule.prepare(groups, evidence, tally)

    def _learn(
        self, session: Session, progress: Progress, batch: TrainingBatch, watch: Stopwatch, tally: Tally
    ) -> None:
        config, critic = self.config, session.critic
        rate = learning_rate_at(progress.step, config=config.optimizer, steps=config.stop.steps)
        seed = derive_seed(config.seed, "minibatches", progress.step)
        warming_up = critic is not None and progress.step < config.critic.warmup_steps
        tally.add_sum("learning_rate", 0.0 if warming_up else rate)
        if not warming_up:
            with watch.part("train"):
                session.optimizer.update(batch, self.terms(session, rate, seed), tally)
        if critic is not None:
            tally.add_sum("critic_learning_rate", rate * rate_factor(config))
            with watch.part("critic"):
                critic.update(batch, CriticTerms(rate, seed, warming_up), tally)

    def terms(self, session: Session, learning_rate: float, seed: int) -> StepTerms:
        """What the policy learns this step's batch with."""
        config, policy_loss = self.config, session.loss
        policy_loss.kl_coefficient = session.controller.coefficient
        loss: StepLoss = policy_loss
        spares_rows = policy_loss.is_zero_without_advantage
        if session.critic is not None and session.critic.shared:
            loss = ValueLoss(policy_loss, coefficient=config.critic.coefficient, clip=config.critic.clip)
            spares_rows = False
        return StepTerms(
            loss=loss,
            needs_pass=_has_advantage if spares_rows else _any_row,
            learning_rate=learning_rate,
            max_new_tokens=config.rollout.max_new_tokens,
            seed=seed,
            old_log_probs_of_sampler=config.loss.old_log_probs == "sampler",
        )

    def _record(self, progress: Progress, measured: dict[str, Any]) -> None:
        progress.step += 1
        progress.reward_last = measured["reward"]
        progress.reward_first = measured["reward"] if progress.reward_first is None else progress.reward_first
        self.directory.append_metrics(progress.step, measured)
        message = f"step {progress.step} of {self.config.stop.steps}"
        seconds = measured["seconds_step"]
        self.directory.status.update(step=progress.step, seconds_per_step=seconds, message=message)
        log.info("%s: reward %.4f, %.2f s", message, measured["reward"], seconds)


def _has_advantage(row: TrainingRow) -> bool:
    return any(row.advantages)


def _any_row(row: TrainingRow) -> bool:
    return True
