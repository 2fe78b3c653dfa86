"""Bradley-Terry training of a reward model, from a run directory to a model folder."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import torch

from rewardmodel.batching import plan_epoch
from rewardmodel.config import ConfigError, RewardConfig
from rewardmodel.config_differences import list_differences
from rewardmodel.data import EncodedPair, make_objective
from rewardmodel.datasets import load_datasets
from rewardmodel.evaluation import build_report, list_sides, read_finite, score_pairs, split_sides
from rewardmodel.familiarity import choose_rows
from rewardmodel.gradient_step import GradientStep
from rewardmodel.metrics import count_hits, negative_log_likelihood
from rewardmodel.network import Reading, RewardNetwork, require_causal, require_places
from rewardmodel.publishing import publish_reward_model
from rewardmodel.runtime.backbones import load_backbone, load_generation_config, load_tokenizer
from rewardmodel.runtime.checkpoint import Checkpoint, load_newest_checkpoint, restoring, save_checkpoint
from rewardmodel.runtime.device import ComputeDevice, restore_threads, select_device
from rewardmodel.runtime.dither import fill_lower_halves
from rewardmodel.runtime.faults import Cancelled, Diverged, Interrupted
from rewardmodel.runtime.master_weights import MasterWeights
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.seeding import derive_generator, seed_everything
from rewardmodel.runtime.training_state import pack_optimizer, pack_randomness, unpack_optimizer, unpack_randomness
from rewardmodel.runtime.update_norm import UpdateMeter, describe_update
from rewardmodel.schedule import warmup_cosine

log = logging.getLogger(__name__)
PROOF_SEQUENCES = 4
"""Held-out responses that the saved model is held to."""


class RewardTrainer:
    """One run: load, resume, step, evaluate, save."""

    def __init__(self, directory: RunDirectory, config: RewardConfig) -> None:
        self.directory = directory
        self.config = config
        seed_everything(config.seed)
        self.compute = select_device(
            device=config.compute.device,
            precision=config.compute.precision,
            threads=config.compute.threads,
            section="compute",
        )
        directory.status.update(state="running", phase="load", device=self.compute.name, message="loading data")
        base = directory.resolve(config.model.base)
        key = "model.base"
        self.renderer = Renderer(load_tokenizer(base, key=key), load_generation_config(base, key=key), key=key)
        self.data = load_datasets(directory, config, self.renderer)
        directory.status.update(message=f"loading the model {base.name}")
        self.network = make_network(base, config, self.compute)
        self.masters = MasterWeights(self.network)
        if self.compute.compute_dtype == torch.bfloat16:
            fill_lower_halves(self.masters.parameters, seed=config.seed)
        self.optimizer = make_optimizer(self.masters, config)
        self.meter = UpdateMeter(self.masters.parameters)
        self.gradient = GradientStep(
            self.network,
            self.masters,
            centre=config.loss.centre,
            pad_id=self.renderer.pad_id,
            micro_batch_tokens=config.training.micro_batch_tokens,
            check=directory.cancellation.check,
        )
        self.objectives = [make_objective(pair.record, config.loss) for pair in self.data.train]
        self.total_steps = count_steps(len(self.data.train), config)
        self.step = 0
        self.saved_step: int | None = None
        self.checkpoint_at = time.monotonic()
        # Metrics of a step whose weights have moved, while the look at held-out pairs that belongs to it is taken.
        self.unlogged: dict[str, float] = {}
        self.plan: list[list[int]] = []
        self.planned_epoch = -1

    def run(self) -> None:
        """All steps from the newest checkpoint on, then the judgement and the model."""
        self._resume()
        self.directory.status.update(step=self.step, total_steps=self.total_steps, phase="train", message="first step")
        try:
            if self.step == 0 or self.unlogged:
                self._monitor(self.step)
            while self.step < self.total_steps:
                self.directory.cancellation.check()
                self._train_step()
            self._finish()
        except Interrupted as wish:
            self.masters.clear_gradients()
            self._checkpoint()
            raise Cancelled(f"{wish}; checkpoint at step {self.step}") from wish

    def _train_step(self) -> None:
        members, rate = self._members(self.step), self._learning_rate(self.step)
        totals = self.gradient.accumulate([self.data.train[i] for i in members], [self.objectives[i] for i in members])
        moved = self._apply(rate)
        # From here on the step is done: what is left of it is caught up on if the run is stopped.
        self.step += 1
        self.unlogged = {**totals.as_metrics(), **moved, "learning_rate": rate}
        self.directory.status.update(
            step=self.step,
            phase="train",
            seconds_per_step=round(self.unlogged["seconds"], 3),
            message=f"step {self.step} of {self.total_steps}",
        )
        self._monitor(self.step)
        if self._checkpoint_is_due(self.step):
            self._checkpoint()

    def _apply(self, rate: float) -> dict[str, float]:
        norm = torch.nn.utils.clip_grad_norm_(self.masters.parameters, self.config.optimizer.max_grad_norm)
        if not torch.isfinite(norm):
            raise Diverged("the gradient is not finite; a lower optimizer.learning_rate usually helps")
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.meter.begin()
        self.masters.step(self.optimizer)
        self.masters.clear_gradients()
        return {"grad_norm": float(norm), **describe_update([self.meter.squares()])}

    def _members(self, step: int) -> list[int]:
        epoch, place = divmod(step, count_steps_per_epoch(len(self.data.train), self.config))
        if self.planned_epoch != epoch:
            self.plan = plan_epoch(
                [max(pair.lengths) for pair in self.data.train],
                pairs_per_step=self.config.training.pairs_per_step,
                pool_steps=self.config.training.pool_steps,
                seed=self.config.seed,
                epoch=epoch,
            )
            self.planned_epoch = epoch
        return self.plan[place]

    def _learning_rate(self, step: int) -> float:
        settings = self.config.optimizer
        return settings.learning_rate * warmup_cosine(
            step,
            total_steps=self.total_steps,
            warmup_fraction=settings.warmup_fraction,
            final_fraction=settings.final_fraction,
        )

    def _monitor(self, step: int) -> None:
        """Append the metrics of a step, with a look at the monitored pairs where it is due."""
        every, values = self.config.evaluation.every_steps, dict(self.unlogged)
        if every and (step % every == 0 or step == self.total_steps):
            self.directory.status.update(phase="evaluate")
            chosen, rejected = score_pairs(self.network, self._monitored(), **self._reading())
            difference = chosen.astype(numpy.float64) - rejected
            values["eval_accuracy"] = float(count_hits(difference).mean())
            values["eval_loss"] = negative_log_likelihood(difference)
        if values:
            self.directory.append_metrics(step, values)
        self.unlogged = {}

    def _monitored(self) -> list[EncodedPair]:
        pairs = self.data.held_out
        order = torch.randperm(len(pairs), generator=derive_generator(self.config.seed, "monitor")).tolist()
        return [pairs[index] for index in order[: self.config.evaluation.monitor_pairs]]

    def _reading(self) -> dict[str, Any]:
        """How sequences are read where nothing is learned from them."""
        return {
            "pad_id": self.renderer.pad_id,
            "batch_tokens": self.config.evaluation.batch_tokens,
            "check": self.directory.cancellation.check,
        }

    def _checkpoint_is_due(self, step: int) -> bool:
        if step >= self.total_steps:
            return True  # Evaluation and saving may take long; the training must not be lost to a kill in them.
        every = self.config.checkpoint.every_steps
        late = time.monotonic() - self.checkpoint_at >= self.config.checkpoint.every_seconds
        return late or (every is not None and step % every == 0)

    def _checkpoint(self) -> None:
        """Write a checkpoint unless there is one of this very state."""
        if self.saved_step == self.step and not self.unlogged:
            return
        self.directory.status.update(phase="save", message=f"checkpoint at step {self.step}")
        optimizer, settings = pack_optimizer(self.optimizer)
        randomness, states = pack_randomness()
        save_checkpoint(
            self.directory.checkpoints,
            self.step,
            tensors={"masters": self.masters.pack(), "optimizer": optimizer, "randomness": randomness},
            state={
                "optimizer": settings,
                "randomness": states,
                "threads": torch.get_num_threads(),
                "unlogged": self.unlogged,
                **self._fingerprint(),
            },
        )
        self.saved_step, self.checkpoint_at = self.step, time.monotonic()
        self.directory.status.update(checkpoint_step=self.step, phase="train")

    def _fingerprint(self) -> dict[str, Any]:
        return {"config": self.config.to_dict(), "data_sha256": self.data.digest}

    def _resume(self) -> None:
        checkpoint = load_newest_checkpoint(self.directory.checkpoints)
        if checkpoint is None:
            self.directory.forget_after(-1)
            return
        with restoring(checkpoint):
            self._refuse_other_run(checkpoint)
            self.masters.unpack(checkpoint.tensors["masters"])
            unpack_optimizer(self.optimizer, checkpoint.tensors["optimizer"], checkpoint.state["optimizer"])
            unpack_randomness(checkpoint.tensors["randomness"], checkpoint.state["randomness"])
            restore_threads(self.compute, checkpoint.state.get("threads"))
        self.step = self.saved_step = checkpoint.step
        self.unlogged = checkpoint.state.get("unlogged", {})
        # Step 0 is the look before training; a run that goes on from there looks again.
        self.directory.forget_after(checkpoint.step - 1 if self.unlogged else checkpoint.step or -1)
        self.directory.status.update(checkpoint_step=checkpoint.step, device=self.compute.name)
        log.info("resuming from the checkpoint at step %d", checkpoint.step)

    def _refuse_other_run(self, checkpoint: Checkpoint) -> None:
        """Raises: ConfigError where config or data have changed since, for then the run could not be repeated."""
        faults = []
        if changes := list_differences(checkpoint.state["config"], self.config.to_dict()):
            told = ", ".join(each.describe(then="there", now="now") for each in changes)
            faults.append(f"config.json: differs from the one the checkpoints have: {told}; use a new run directory")
        if checkpoint.state["data_sha256"] != self.data.digest:
            faults.append("data: the files differ from those the checkpoints were made with; use a new run directory")
        if faults:
            raise ConfigError(faults)

    def _finish(self) -> None:
        self.directory.status.update(phase="evaluate", message=f"judging on {len(self.data.held_out)} held-out pairs")
        sides = list_sides(self.data.held_out)
        keep = choose_rows(sides, seed=self.config.seed)
        held_out = read_finite(self.network, sides, of="held-out", keep=keep, **self._reading())
        scores = split_sides(held_out.scores)
        report = build_report(self.data.held_out, scores, self.config.evaluation)
        self._save_model(held_out, proof=sides[::2][:PROOF_SEQUENCES])
        counts = {"train_pairs": len(self.data.train), "eval_pairs": len(self.data.held_out), "steps": self.total_steps}
        self.directory.write_result({"kind": "reward", **report, **counts, "truncated_rows": self.data.truncated_rows})
        # Nothing resumes a complete run, and the optimizer's state is three times as large as the model.
        self.directory.drop_checkpoints()

    def _save_model(self, held_out: Reading, *, proof: Sequence[tuple[int, ...]]) -> None:
        sides = list_sides(self.data.train)
        learned = [sides[row] for row in choose_rows(sides, seed=self.config.seed)]
        self.directory.status.update(message=f"taking the features of {len(learned)} training responses")
        training = read_finite(self.network, learned, of="training", **self._reading())
        self.directory.status.update(phase="save", message="saving the model")
        publish_reward_model(
            self.directory.model,
            self.network,
            self.renderer,
            training=training.features,
            held_out=held_out,
            proof=proof,
            max_length_tokens=self.config.data.max_length_tokens,
            compute=self.compute,
        )


def make_network(base: Path, config: RewardConfig, compute: ComputeDevice) -> RewardNetwork:
    """The network at the start of a run, on its device."""
    backbone = load_backbone(base, dtype=compute.compute_dtype, key="model.base")
    network = RewardNetwork(backbone, seed=config.seed).to(compute.device)
    network.freeze_layers(config.model.frozen_layers)
    require_causal(network)
    require_places(network, config.data.max_length_tokens)
    return network


def make_optimizer(masters: MasterWeights, config: RewardConfig) -> torch.optim.Optimizer:
    """AdamW over the float32 masters."""
    settings = config.optimizer
    return torch.optim.AdamW(
        masters.parameters,
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.epsilon,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def count_steps_per_epoch(pairs: int, config: RewardConfig) -> int:
    """Optimizer steps in one pass; the last may be smaller."""
    return -(-pairs // config.training.pairs_per_step)


def count_steps(pairs: int, config: RewardConfig) -> int:
    """Optimizer steps of the whole run."""
    steps = config.training.epochs * count_steps_per_epoch(pairs, config)
    return min(steps, config.training.max_steps or steps)
