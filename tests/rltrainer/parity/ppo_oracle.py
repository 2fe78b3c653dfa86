"""One update of TRL 1.12's `PPOTrainer`, in a process of its own: that TRL cannot live beside the one installed.

`python ppo_oracle.py FOLDER` with the oracles first on the path. FOLDER holds the models `policy`, `reference`, `value`
and `reward`, and `plan.pt` with the prompts, what is to be answered and how far sampling and first values were off.
Writes `found.pt`: what TRL measured, the log-probs, values and scores that it started from, and both gradients.
"""

import sys
from pathlib import Path
from typing import Any

import torch
import trl.experimental.ppo.ppo_trainer as trl_ppo
from datasets import Dataset
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback
from trl.experimental.ppo import PPOConfig, PPOTrainer


def main(folder: Path) -> None:
    """Run the update with a learning rate of 0 and keep what it saw."""
    plan: dict[str, Any] = torch.load(folder / "plan.pt")
    tokenizer = AutoTokenizer.from_pretrained(folder / "policy", padding_side="left")
    policy, reference = (AutoModelForCausalLM.from_pretrained(folder / name) for name in ("policy", "reference"))
    value, reward = (AutoModelForSequenceClassification.from_pretrained(folder / name) for name in ("value", "reward"))
    found: dict[str, Any] = {}
    plant(plan, found, value, temperature=plan["temperature"])
    dataset = Dataset.from_list([{"input_ids": list(prompt)} for prompt in plan["prompts"]])
    trainer = PPOTrainer(
        args=arguments(folder, plan),
        processing_class=tokenizer,
        model=policy,
        ref_model=reference,
        reward_model=reward,
        value_model=value,
        train_dataset=dataset,
        eval_dataset=dataset,
        callbacks=[KeepLog(found)],
    )
    inner = getattr(trainer.optimizer, "optimizer", trainer.optimizer)
    inner.register_step_pre_hook(lambda *_: found.update(policy=gradient(policy), value=gradient(value)))
    trainer.train()
    torch.save(found, folder / "found.pt")


def arguments(folder: Path, plan: dict[str, Any]) -> PPOConfig:
    """One pass in one minibatch over as many episodes as there are prompts."""
    episodes = len(plan["prompts"])
    return PPOConfig(
        output_dir=str(folder / "out"),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to=[],
        save_strategy="no",
        logging_steps=1,
        per_device_train_batch_size=episodes,
        num_mini_batches=1,
        num_ppo_epochs=1,
        total_episodes=episodes,
        num_sample_generations=0,
        response_length=plan["responses"].shape[1],
        learning_rate=0.0,
        missing_eos_penalty=None,
        vf_coef=1.0,
        **{name: plan[name] for name in ("temperature", "kl_coef", "cliprange", "cliprange_value", "gamma", "lam")},
    )


def plant(plan: dict[str, Any], found: dict[str, Any], value_model: nn.Module, *, temperature: float) -> None:
    """Put the planned answers where TRL samples, and noise on its first log-probs and values; keep what it asks."""

    def answer(policy: nn.Module, queries: Tensor, _: int, pad: int, __: object) -> tuple[Tensor, Tensor]:
        both = torch.cat([queries, plan["responses"]], dim=1)
        logits = trl_ppo.forward(policy, both, pad).logits[:, queries.shape[1] - 1 : -1] / (temperature + 1e-7)
        found["queries"] = [row[row != pad].tolist() for row in queries]
        noisy = logits + plan["logit_noise"]
        found["log_probs"] = noisy.log_softmax(-1).gather(2, plan["responses"][..., None]).squeeze(2)
        return both, noisy

    def judge(model: nn.Module, tokens: Tensor, pad: int, context: int) -> tuple[Tensor, Tensor, Tensor]:
        every, scores, lengths = get_reward(model, tokens, pad, context)
        if model is value_model:
            every = every.clone()
            every[:, context - 1 : -1, 0] += plan["value_noise"]
            found["values"] = every[:, context - 1 : -1, 0]
        else:
            found["scores"] = scores
        return every, scores, lengths

    get_reward = trl_ppo.get_reward
    trl_ppo.batch_generation = answer
    trl_ppo.get_reward = judge


def gradient(network: nn.Module) -> Tensor:
    """All gradients in one; zeros where a parameter took no part."""
    return torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in network.parameters()])


class KeepLog(TrainerCallback):
    """Keeps what the trainer measured."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found = found

    def on_log(self, _: object, __: object, ___: object, logs: dict[str, float] | None = None, **____: object) -> None:
        """Called with the update's measurements."""
        self.found["metrics"] = dict(logs or {})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
