"""The loop of policy training: sample, score, compare, step. It holds no mathematics of its own."""

import logging
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedModel

from rewardmodel.runtime.faults import Cancelled, Interrupted
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.algorithms.algorithm import Algorithm
from rltrainer.algorithms.grpo import GRPO
from rltrainer.config import GRPOConfig
from rltrainer.evaluation import Examination
from rltrainer.optimization import PolicyOptimizer, learning_rate_at
from rltrainer.outcome import evaluate_reference, finish
from rltrainer.policy import Policy
from rltrainer.progress import Progress, hash_file, load_progress, save_progress
from rltrainer.prompts import PromptSampler, split_held_out
from rltrainer.records import Group, TrainingBatch, flatten_completions
from rltrainer.rewards.weighted import WeightedReward, build_reward
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.collecting import collect_groups
from rltrainer.rollouts.engine import SamplingRules
from rltrainer.step_metrics import describe_groups
from rltrainer.stopwatch import Stopwatch
from rltrainer.tally import Tally
from rltrainer.workbench import Workbench, load_network, make_trainable, set_up

log = logging.getLogger(__name__)


def train(directory: RunDirectory, config: GRPOConfig) -> None:
    """The command `train`. Raises: ConfigError, DataError, Cancelled, Diverged."""
    Trainer(directory, config).run()


@dataclass(slots=True)
class _Session:
    """What a run holds from its first step to its last."""

    bench: Workbench
    reference: PreTrainedModel
    optimizer: PolicyOptimizer
    prompts: PromptSampler
    reward: WeightedReward
    rules: SamplingRules
    examination: Examination
    algorithm: Algorithm
    data_sha256: str


class Trainer:
    """One run on one run directory."""

    def __init__(self, directory: RunDirectory, config: GRPOConfig) -> None:
        self.directory = directory
        self.config = config

    def run(self) -> None:
        """From wherever the directory stands to its result."""
        session = open_session(self.directory, self.config)
        progress = load_progress(
            self.directory, session.optimizer, self.config, session.data_sha256, compute=session.bench.compute
        )
        session.prompts.drawn = progress.prompts_drawn
        self.directory.status.update(total_steps=self.config.stop.steps, step=progress.step)
        if not progress.reference_rewards:
            evaluate_reference(self.directory, session.examination, session.reference, progress, self.config.evaluation)
        self._train(session, progress)
        finish(
            self.directory,
            self.config,
            session.examination,
            policy=session.bench.model,
            reference=session.reference,
            masters=session.optimizer.masters,
            progress=progress,
        )

    def _train(self, session: _Session, progress: Progress) -> None:
        saved_step, saved_at = self.directory.status.current.checkpoint_step, time.monotonic()
        self.directory.status.update(phase="train", message=f"step {progress.step} of {self.config.stop.steps}")
        while progress.step < self.config.stop.steps:
            self._stop_if_asked(session, progress, saved_step)
            try:
                self._step(session, progress)
            except Interrupted:
                # The step left no trace but gradients: progress and random states are those of its beginning.
                session.optimizer.masters.clear_gradients()
                session.prompts.drawn = progress.prompts_drawn
                continue
            last = progress.step == self.config.stop.steps
            if last or self._is_checkpoint_due(progress.step, saved_at):
                self._save(session, progress)
                saved_step, saved_at = progress.step, time.monotonic()

    def _is_checkpoint_due(self, step: int, saved_at: float) -> bool:
        config = self.config.checkpoint
        return step % config.every_steps == 0 or time.monotonic() - saved_at >= config.every_seconds

    def _stop_if_asked(self, session: _Session, progress: Progress, saved_step: int | None) -> None:
        if not self.directory.cancellation.requested:
            return
        if saved_step != progress.step:
            self._save(session, progress)
        raise Cancelled(f"{self.directory.cancellation.reason}, after step {progress.step}")

    def _save(self, session: _Session, progress: Progress) -> None:
        save_progress(self.directory, progress, session.optimizer, self.config, session.data_sha256)

    def _step(self, session: _Session, progress: Progress) -> None:
        watch, tally = Stopwatch(), Tally()
        with watch.part("generate"):
            groups = self._roll_out(session, progress)
        with watch.part("score"):
            groups = session.reward.score(groups)
        with watch.part("reference"):
            reference = self._score_reference(session, groups)
        with watch.part("train"):
            batch = session.algorithm.prepare(groups, reference, tally)
            rate = learning_rate_at(progress.step, config=self.config.optimizer, steps=self.config.stop.steps)
            session.optimizer.update(
                batch,
                session.algorithm,
                learning_rate=rate,
                max_new_tokens=self.config.rollout.max_new_tokens,
                tally=tally,
            )
        constants = {"learning_rate": rate, "kl_coefficient": self.config.kl.coefficient}
        measured = {**describe_groups(groups), **tally.values(), **constants}
        self._record(progress, session, batch, measured, watch)

    def _roll_out(self, session: _Session, progress: Progress) -> list[Group]:
        rollout = self.config.rollout
        return collect_groups(
            session.prompts.draw(rollout.prompts_per_step),
            engine=BatchedSampler(
                session.bench.model, batch_rows=rollout.batch_rows, check=self.directory.cancellation.check
            ),
            renderer=session.bench.renderer,
            rules=session.rules,
            group_size=rollout.group_size,
            seed=self.config.seed,
            purpose="rollout",
            policy_version=progress.step,
        )

    def _score_reference(self, session: _Session, groups: Sequence[Group]) -> list[tuple[float, ...]]:
        pairs = [(group.prompt.token_ids, group.completions[i].token_ids) for group, i in flatten_completions(groups)]
        policy = session.optimizer.policy
        # The same micro-batches as the policy's own pass, so that equal weights give a distance of exactly 0.
        reference = Policy(
            session.reference,
            temperature=policy.temperature,
            micro_batch_tokens=policy.micro_batch_tokens,
            check=policy.check,
        )
        return reference.log_probs(pairs)

    def _record(
        self, progress: Progress, session: _Session, batch: TrainingBatch, measured: dict[str, Any], watch: Stopwatch
    ) -> None:
        progress.step += 1
        progress.prompts_drawn = session.prompts.drawn
        progress.reward_last = measured["reward"]
        progress.reward_first = measured["reward"] if progress.reward_first is None else progress.reward_first
        times = watch.values()
        speed = {
            "tokens_per_second_generate": batch.tokens / times["seconds_generate"],
            "tokens_per_second_train": batch.tokens / times["seconds_train"],
            "peak_memory_mib": _peak_memory_mib(),
        }
        self.directory.append_metrics(progress.step, {**measured, **times, **speed})
        message = f"step {progress.step} of {self.config.stop.steps}"
        self.directory.status.update(step=progress.step, seconds_per_step=times["seconds_step"], message=message)
        log.info("%s: reward %.4f, %.2f s", message, measured["reward"], times["seconds_step"])


def open_session(directory: RunDirectory, config: GRPOConfig) -> _Session:
    """Load and check everything before the first step."""
    rollout = config.rollout
    bench = set_up(
        directory, model=config.model, data=config.data, seed=config.seed, max_new_tokens=rollout.max_new_tokens
    )
    training, held_out = split_held_out(bench.prompts, held_out=config.evaluation.prompts, seed=config.seed)
    reward = build_reward(
        directory,
        config.reward,
        compute=bench.compute,
        max_new_tokens=rollout.max_new_tokens,
        prompts=bench.prompts,
    )
    rules = SamplingRules(rollout.max_new_tokens, bench.renderer.stop_ids, rollout.temperature)
    directory.status.update(message="loading the reference")
    policy = Policy(
        bench.model,
        temperature=rollout.temperature,
        micro_batch_tokens=config.optimizer.micro_batch_tokens,
        check=directory.cancellation.check,
    )
    masters = make_trainable(bench.model, directory, config.model.path)
    return _Session(
        bench=bench,
        reference=load_network(directory, config.model.reference or config.model.path, bench.compute),
        optimizer=PolicyOptimizer(policy, masters, config.optimizer),
        prompts=PromptSampler(training, seed=config.seed),
        reward=reward,
        rules=rules,
        examination=_examination(config, bench, held_out, reward, rules),
        algorithm=GRPO(kl=config.kl, advantage=config.advantage, loss=config.loss),
        data_sha256=hash_file(directory.resolve(config.data.prompts)),
    )


def _examination(
    config: GRPOConfig, bench: Workbench, held_out: list[Any], reward: WeightedReward, rules: SamplingRules
) -> Examination:
    return Examination(
        prompts=held_out,
        samples_per_prompt=config.evaluation.samples_per_prompt,
        rules=rules,
        reward=reward,
        renderer=bench.renderer,
        batch_rows=config.rollout.batch_rows,
        seed=config.seed,
        confidence=config.evaluation.confidence,
    )


def _peak_memory_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
