"""One update of TRL 1.12's PPO trainer on given responses, in a process of its own: `trl_ppo_oracle.py FOLDER`.

The folder holds `policy`, `reference`, `value` and `reward` (models), and `batch.json`; `found.json` and
`found.safetensors` are written beside them. TRL 1.12 is the last version with PPO; it lies beside the
installed one.
"""

import json
import os
import sys
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TRL_EXPERIMENTAL_SILENCE="1", HF_HUB_DISABLE_TELEMETRY="1")
sys.path.insert(0, str(Path(sys.prefix) / "oracles"))

import torch
import trl
from datasets import Dataset
from safetensors.torch import save_file
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    TrainerCallback,
)
from trl.experimental.ppo import PPOConfig, PPOTrainer, ppo_trainer

WHITEN = ppo_trainer.masked_whiten


def main(folder: Path) -> None:
    """Run the update and write what TRL logged, and its advantages before whitening."""
    if not trl.__version__.startswith("1.12."):
        raise RuntimeError(f"expected TRL 1.12 in {sys.path[0]}, not {trl.__version__}")
    torch.set_num_threads(1)
    batch = json.loads((folder / "batch.json").read_text())
    found: dict[str, torch.Tensor] = {}
    trainer = make_trainer(folder, batch)
    replace_sampling(trainer, batch)
    record_advantages(found)
    trainer.train()
    save_file(found, folder / "found.safetensors")
    (folder / "found.json").write_text(json.dumps(trainer.state.log_history[0]))


def make_trainer(folder: Path, batch: dict) -> PPOTrainer:
    """A trainer whose learning rate is 0, so that nothing but the losses is seen."""
    tokenizer = AutoTokenizer.from_pretrained(folder / "policy", padding_side="left")
    data = Dataset.from_list([{"input_ids": ids} for ids in batch["prompts"]])
    config = PPOConfig(
        output_dir=str(folder / "out"),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        per_device_train_batch_size=len(batch["prompts"]),
        num_mini_batches=1,
        num_ppo_epochs=1,
        total_episodes=len(batch["prompts"]),
        response_length=batch["width"],
        num_sample_generations=0,
        report_to=[],
        save_strategy="no",
        learning_rate=0.0,
        max_grad_norm=0.0,
        logging_steps=1,
        disable_tqdm=True,
        dataloader_pin_memory=False,
        **batch["options"],
    )
    causal = {name: AutoModelForCausalLM.from_pretrained(folder / name) for name in ("policy", "reference")}
    scoring = {
        name: AutoModelForSequenceClassification.from_pretrained(folder / name, num_labels=1)
        for name in ("value", "reward")
    }
    return PPOTrainer(
        args=config,
        processing_class=tokenizer,
        model=causal["policy"],
        ref_model=causal["reference"],
        reward_model=scoring["reward"],
        value_model=scoring["value"],
        train_dataset=data,
        eval_dataset=data,
        callbacks=[TrainerCallback()],
    )


def replace_sampling(trainer: PPOTrainer, batch: dict) -> None:
    """Give the responses of the batch in place of sampled ones, each to its prompt."""
    answers = {tuple(prompt): answer for prompt, answer in zip(batch["prompts"], batch["responses"], strict=True)}

    def give(model, queries, _, pad_id, __):
        rows = []
        for query in queries.tolist():
            answer = answers[tuple(token for token in query if token != pad_id)]
            rows.append([*query, *answer, *[pad_id] * (batch["width"] - len(answer))])
        whole = torch.tensor(rows)
        logits = ppo_trainer.forward(model, whole, pad_id).logits[:, queries.shape[1] - 1 : -1]
        return whole, logits / (trainer.args.temperature + 1e-7)

    ppo_trainer.batch_generation = give


def record_advantages(found: dict[str, torch.Tensor]) -> None:
    """Keep what is whitened; rows are in the order of the trainer's batch."""

    def record(values, mask, shift_mean=True):
        found["advantages"], found["mask"] = values.clone(), mask.clone()
        return WHITEN(values, mask, shift_mean)

    ppo_trainer.masked_whiten = record


if __name__ == "__main__":
    main(Path(sys.argv[1]))
