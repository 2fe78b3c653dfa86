"""An update of PPO beside TRL 1.12's, the last version that had it: the same four networks, prompts and lengths.

    python benchmarks/ppo.py --model FOLDER [--only ours trl trl-best] [--rounds 2] [--steps 2]

Policy, reference, reward model and critic all have the folder's body. One pass over 16 completions of 64 tokens, forced
to their full length. Prints one JSON line a turn and a table at the end. Each contender runs in a process of its own,
so that its peak memory is its own, and has several turns; the first update of each is left out. TRL 1.12 is read from
where `make setup` unpacks the oracles of the tests.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from grpo import peak_mib, write_full_lengths
from grpo_work import make_questions
from turns import run_by_turns

ROOT = Path(__file__).resolve().parent.parent
PROMPTS, NEW_TOKENS = 16, 64
LEARNING_RATE, CRITIC_LEARNING_RATE = 1e-6, 1e-5
CONTENDERS = ("ours", "trl", "trl-best")
PARTS = ("generate", "score", "reference", "values", "train", "critic")


def run_ours(folder: Path, steps: int, threads: int) -> dict[str, Any]:
    """The real trainer on a run directory; its own metrics are the figures."""
    from rewardmodel.runtime.process import keep_freed_memory

    keep_freed_memory()
    from rewardmodel.runtime.backbones import load_tokenizer
    from rltrainer.__main__ import main as run_trainer

    write_full_lengths()
    with tempfile.TemporaryDirectory() as home:
        run = Path(home)
        (run / "data").mkdir()
        rows = [
            {"prompt_id": f"q{number}", "prompt": chat, "metadata": {}}
            for number, chat in enumerate(make_questions(load_tokenizer(folder), 2 * PROMPTS))
        ]
        (run / "data" / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        make_judge(folder, run / "judge")
        (run / "config.json").write_text(json.dumps(make_config(folder, steps, threads)))
        if run_trainer(["train", home]) != 0:
            sys.exit(f"the trainer failed:\n{(run / 'status.json').read_text()}")
        lines = (run / "metrics.jsonl").read_text().splitlines()[1:]
        metrics = [json.loads(line)["values"] for line in lines]
    return {
        "parts": {name: [row[f"seconds_{name}"] for row in metrics] for name in ("step", *PARTS)},
        "peak_mib": metrics[-1]["peak_memory_mib"],
    }


def make_judge(folder: Path, judge: Path) -> None:
    """A reward model with the folder's body and a head of random weights."""
    from rewardmodel.network import RewardNetwork, save_reward_model
    from rewardmodel.runtime.backbones import load_backbone, load_tokenizer

    judge.mkdir()
    save_reward_model(RewardNetwork(load_backbone(folder)), judge, max_length_tokens=1024, mean=0.0, std=1.0)
    load_tokenizer(folder).save_pretrained(judge)


def make_config(folder: Path, steps: int, threads: int) -> dict[str, Any]:
    """One pass in one optimizer step of each network, as TRL is asked for."""
    return {
        "kind": "ppo",
        "model": {"path": str(folder), "threads": threads},
        "rollout": {"prompts_per_step": PROMPTS, "max_new_tokens": NEW_TOKENS, "batch_rows": PROMPTS},
        # TRL has no price on missing ends unless asked; forced to full length, all answers here would pay it.
        "reward": {"model": "judge", "unfinished_penalty": 0.0},
        "critic": {"warmup_steps": 0, "learning_rate": CRITIC_LEARNING_RATE},
        "optimizer": {"learning_rate": LEARNING_RATE, "passes": 1, "minibatches": 1},
        "evaluation": {"prompts": 1, "samples_per_prompt": 1, "shown_prompts": 1},
        "checkpoint": {"every_steps": 10_000, "every_seconds": 100_000.0},
        "stop": {"steps": steps + 1},
    }


def run_trl(folder: Path, steps: int, threads: int, *, best: bool) -> dict[str, Any]:
    """TRL as it comes, or with what makes it fastest here: no recomputed activations, and memory kept between steps."""
    if best:
        from rewardmodel.runtime.process import keep_freed_memory

        keep_freed_memory()
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
    sys.path.insert(0, str(Path(sys.prefix) / "oracles"))
    import torch
    from datasets import Dataset
    from transformers import (
        AutoModelForCausalLM,
        AutoModelForSequenceClassification,
        AutoTokenizer,
        TrainerCallback,
    )
    from trl.experimental.ppo import PPOConfig, PPOTrainer, ppo_trainer

    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    chats = make_questions(tokenizer, 2 * PROMPTS)
    ids = [tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=True) for chat in chats]
    prompts = Dataset.from_list([{"input_ids": list(row["input_ids"])} for row in ids])
    seconds: dict[str, list[float]] = {"step": [], "generate": [], "score": [], "reference": [], "train": []}
    spent: dict[str, float] = {}

    class Clock(TrainerCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.begin = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            now = time.perf_counter()
            own = {name: spent.pop(name, 0.0) for name in ("generate", "score", "reference")}
            step = now - self.begin
            for name, value in {**own, "step": step, "train": step - sum(own.values())}.items():
                seconds[name].append(value)
            self.begin = now

    def time_calls(name: str, part: str) -> None:
        function = getattr(ppo_trainer, name)

        def timed(*given: Any, **named: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                if part != "reference" or not torch.is_grad_enabled():
                    spent[part] = spent.get(part, 0.0) + time.perf_counter() - begin

        setattr(ppo_trainer, name, timed)

    def full_length(*given: Any) -> Any:
        given[-1].min_new_tokens = NEW_TOKENS
        return sample(*given)

    sample = ppo_trainer.batch_generation
    ppo_trainer.batch_generation = full_length
    for name, part in (("batch_generation", "generate"), ("get_reward", "score"), ("forward", "reference")):
        time_calls(name, part)
    with tempfile.TemporaryDirectory() as home:
        arguments = PPOConfig(
            output_dir=home,
            use_cpu=True,
            bf16=True,
            gradient_checkpointing=not best,
            per_device_train_batch_size=PROMPTS,
            num_mini_batches=1,
            num_ppo_epochs=1,
            total_episodes=PROMPTS * (steps + 1),
            response_length=NEW_TOKENS,
            temperature=1.0,
            num_sample_generations=0,
            learning_rate=LEARNING_RATE,
            logging_steps=1000,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        causal = [AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32) for _ in range(2)]
        scoring = [
            AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1, dtype=torch.float32)
            for _ in range(2)
        ]
        trainer = PPOTrainer(
            args=arguments,
            processing_class=tokenizer,
            model=causal[0],
            ref_model=causal[1],
            reward_model=scoring[0],
            value_model=scoring[1],
            train_dataset=prompts,
            eval_dataset=prompts,
            callbacks=[Clock()],
        )
        trainer.train()
    return {"parts": {name: values[1:] for name, values in seconds.items()}, "peak_mib": peak_mib()}


def start(contender: str, given: argparse.Namespace) -> dict[str, Any]:
    """One contender in a process of its own."""
    command = [sys.executable, __file__, "--model", str(given.model), "--contender", contender]
    command += ["--steps", str(given.steps), "--threads", str(given.threads)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(given.threads), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{contender} failed")
    return json.loads(done.stdout.splitlines()[-1])


def print_table(found: dict[str, dict[str, Any]]) -> None:
    """Median seconds of each part (minimum to maximum of the update), memory, and ratios to ours.

    TRL's scores hold its values too, and its training both networks.
    """
    print(f"| | update: min / median / max | {' | '.join(PARTS)} | peak MiB | update against ours |")
    print("|---" * (len(PARTS) + 4) + "|")
    for name, result in found.items():
        parts = result["parts"]
        step = parts["step"]
        cells = [f"{parts[part]['median']:.2f}" if part in parts else "" for part in PARTS]
        ratio = f"{step['median'] / found['ours']['parts']['step']['median']:.2f}" if "ours" in found else ""
        spread = f"{step['min']:.2f} / {step['median']:.2f} / {step['max']:.2f}"
        print(f"| {name} | {spread} | {' | '.join(cells)} | {result['peak_mib']:.0f} | {ratio} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=2, help="how often each contender has its turn")
    parser.add_argument("--steps", type=int, default=2, help="measured updates of each turn")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.model = given.model.resolve()
    if given.contender is None:
        print_table(run_by_turns(given.only, lambda name: start(name, given), rounds=given.rounds))
        return
    runs = {
        "ours": lambda: run_ours(given.model, given.steps, given.threads),
        "trl": lambda: run_trl(given.model, given.steps, given.threads, best=False),
        "trl-best": lambda: run_trl(given.model, given.steps, given.threads, best=True),
    }
    print(json.dumps(runs[given.contender]()))


if __name__ == "__main__":
    main()
