"""TRL's trainers over a copy of the same network, asked for single losses."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from trl import GRPOConfig, GRPOTrainer

from rltrainer.records import TrainingRow
from tests.rltrainer.gradients import MAX_NEW_TOKENS

PAD = 0


@dataclass
class TrlGRPO:
    """Makes a `GRPOTrainer` for each set of options; the network it gets is a copy."""

    tokenizer: PreTrainedTokenizerBase
    folder: Path
    rewards: list[float] = field(default_factory=lambda: [0.0] * 8)
    """What the completions of a batch earn."""

    def trainer(self, model: PreTrainedModel, **options: Any) -> GRPOTrainer:
        """A trainer that has set itself up as TRL does, its price of distance put in after that."""
        # With a price given beforehand it would load its reference by a name that a copy in memory does not have.
        beta = options.pop("beta", 0.0)
        arguments = GRPOConfig(
            output_dir=str(self.folder),
            use_cpu=True,
            bf16=False,
            report_to=[],
            per_device_train_batch_size=8,
            num_generations=4,
            max_completion_length=MAX_NEW_TOKENS,
            **options,
        )
        trainer = GRPOTrainer(
            model=copy.deepcopy(model),
            reward_funcs=lambda completions, **_: self.rewards,
            args=arguments,
            train_dataset=Dataset.from_list([{"prompt": "hi"}] * 2),
            processing_class=self.tokenizer,
        )
        trainer.beta = beta
        trainer.current_gradient_accumulation_steps = 1
        trainer.model.train()
        return trainer

    def gradient(
        self,
        model: PreTrainedModel,
        rows: Sequence[TrainingRow],
        *,
        micro_batches: int = 1,
        masked: Sequence[int] = (),
        **options: Any,
    ) -> tuple[float, Tensor]:
        """Loss and gradient of the rows, in so many equal micro-batches, through `_compute_loss`.

        masked: rows none of whose tokens count.
        """
        trainer = self.trainer(model, **options)
        trainer.current_gradient_accumulation_steps = micro_batches
        trainer.args.steps_per_generation = micro_batches
        size = len(rows) // micro_batches
        tokens = sum(len(row.completion_ids) for row in rows)
        total = 0.0
        for start in range(0, len(rows), size):
            inputs = as_inputs(rows[start : start + size], tokens)
            inputs["completion_mask"][[place - start for place in masked]] = 0
            loss = trainer._compute_loss(trainer.model, inputs)
            loss.backward()
            total += float(loss.detach())
        return total, torch.cat([p.grad.flatten() for p in trainer.model.parameters()])


def as_inputs(rows: Sequence[TrainingRow], tokens: int) -> dict[str, Tensor]:
    """The rows as TRL pads them: prompts on the left, completions on the right. tokens: those of the whole step."""
    inputs = {
        "prompt_ids": _pad([row.prompt_ids for row in rows], left=True),
        "prompt_mask": _pad([(1,) * len(row.prompt_ids) for row in rows], left=True),
        "completion_ids": _pad([row.completion_ids for row in rows]),
        "completion_mask": _pad([(1,) * len(row.completion_ids) for row in rows]),
        "advantages": _pad([row.advantages for row in rows]),
        "num_items_in_batch": torch.tensor(tokens),
        "ref_per_token_logps": _pad([row.reference_log_probs or () for row in rows]),
    }
    if rows[0].old_log_probs is not None:
        inputs["old_per_token_logps"] = _pad([row.old_log_probs or () for row in rows])
    return inputs


def _pad(rows: Sequence[Sequence[float]], *, left: bool = False) -> Tensor:
    width = max(map(len, rows))
    fill = [[PAD] * (width - len(row)) for row in rows]
    return torch.tensor([[*pad, *row] if left else [*row, *pad] for row, pad in zip(rows, fill, strict=True)])
