"""A GRPO step beside TRL's: the same model, prompts, group and lengths, one after the other in one run.

    python benchmarks/grpo.py --model FOLDER [--only ours trl trl-best] [--steps 3]

Prints one JSON line a contender and a table at the end. Each contender runs in a process of its own, so that its peak
memory is its own; a contender's first step is left out. Completions are forced to their full length.
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROMPTS, GROUP, PROMPT_TOKENS, NEW_TOKENS = 2, 8, 60, 64
KL_COEFFICIENT = 0.04
LEARNING_RATE = 1e-6
CONTENDERS = ("floors", "ours", "trl", "trl-best")
WORDS = ("river", "stone", "light", "window", "paper", "garden", "music", "science", "people", "work", "read", "room")


def make_questions(tokenizer: Any, count: int) -> list[list[dict[str, str]]]:
    """Chats of exactly `PROMPT_TOKENS` tokens once rendered."""
    draw = random.Random(0)
    questions = []
    while len(questions) < count:
        words = ["Tell"]
        while True:
            chat = [{"role": "user", "content": " ".join(words)}]
            size = len(tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=True)["input_ids"])
            if size >= PROMPT_TOKENS:
                break
            words.append(draw.choice(WORDS))
        if size == PROMPT_TOKENS:
            questions.append(chat)
    return questions


def peak_mib() -> float:
    """Highest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def summarize(values: list[float]) -> dict[str, float]:
    """Minimum, median and maximum."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def run_ours(folder: Path, steps: int, threads: int) -> dict[str, Any]:
    """The real trainer on a run directory; its own metrics are the figures."""
    from rewardmodel.runtime.process import keep_freed_memory

    keep_freed_memory()
    from dataclasses import replace

    from rewardmodel.runtime.backbones import load_tokenizer
    from rltrainer.__main__ import main as run_trainer
    from rltrainer.rollouts.batched_sampler import BatchedSampler

    plain = BatchedSampler.sample
    # What TRL's min_new_tokens does: nothing ends a completion but its length.
    BatchedSampler.sample = lambda self, requests, rules: plain(  # type: ignore[method-assign]
        self, requests, replace(rules, stop_ids=frozenset())
    )
    with tempfile.TemporaryDirectory() as home:
        run = Path(home)
        (run / "data").mkdir()
        rows = [
            {"prompt_id": f"q{number}", "prompt": chat, "metadata": {}}
            for number, chat in enumerate(make_questions(load_tokenizer(folder), 16))
        ]
        (run / "data" / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        config = {
            "kind": "grpo",
            "model": {"path": str(folder), "threads": threads},
            "rollout": {
                "prompts_per_step": PROMPTS,
                "group_size": GROUP,
                "max_new_tokens": NEW_TOKENS,
                "batch_rows": PROMPTS * GROUP,
            },
            "reward": {"brevity_weight": 1.0, "repetition_penalty": 1.0},
            "kl": {"coefficient": KL_COEFFICIENT},
            "optimizer": {"learning_rate": LEARNING_RATE},
            "evaluation": {"prompts": 1, "samples_per_prompt": 1, "shown_prompts": 1},
            "checkpoint": {"every_steps": 10_000, "every_seconds": 100_000.0},
            "stop": {"steps": steps + 1},
        }
        (run / "config.json").write_text(json.dumps(config))
        if run_trainer(["train", home]) != 0:
            sys.exit(f"the trainer failed:\n{(run / 'status.json').read_text()}")
        lines = (run / "metrics.jsonl").read_text().splitlines()[1:]
        metrics = [json.loads(line)["values"] for line in lines]
    parts = ("seconds_step", "seconds_generate", "seconds_reference", "seconds_train")
    return {
        "parts": {name.removeprefix("seconds_"): summarize([row[name] for row in metrics]) for name in parts},
        "peak_mib": metrics[-1]["peak_memory_mib"],
    }


def run_trl(folder: Path, steps: int, threads: int, *, best: bool) -> dict[str, Any]:
    """TRL as it comes, or with what makes it fastest here: no recomputed activations, and memory kept between steps."""
    if best:
        from rewardmodel.runtime.process import keep_freed_memory

        keep_freed_memory()
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    seconds: dict[str, list[float]] = {"step": [], "generate": [], "reference": [], "train": []}
    spent = {"generate": 0.0, "reference": 0.0}

    class Clock(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            spent.update(generate=0.0, reference=0.0)
            self.begin = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            step = time.perf_counter() - self.begin
            for name, value in {**spent, "step": step, "train": step - sum(spent.values())}.items():
                seconds[name].append(value)

    with tempfile.TemporaryDirectory() as home:
        arguments = GRPOConfig(
            output_dir=home,
            use_cpu=True,
            per_device_train_batch_size=PROMPTS * GROUP,
            num_generations=GROUP,
            max_completion_length=NEW_TOKENS,
            max_steps=steps + 1,
            learning_rate=LEARNING_RATE,
            beta=KL_COEFFICIENT,
            bf16=True,
            gradient_checkpointing=not best,
            logging_steps=1000,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            generation_kwargs={"min_new_tokens": NEW_TOKENS},
            lr_scheduler_type="constant",
            dataloader_pin_memory=False,
        )
        trainer = GRPOTrainer(
            model=AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
            reward_funcs=lambda completion_ids, **_: [-len(ids) - ids[0] / 1e6 for ids in completion_ids],
            args=arguments,
            train_dataset=Dataset.from_list([{"prompt": chat} for chat in make_questions(tokenizer, 16)]),
            processing_class=tokenizer,
            callbacks=[Clock()],
        )

        def time_calls(name: str, part: str) -> None:
            method = getattr(trainer, name)

            def timed(*given: Any, **named: Any) -> Any:
                begin = time.perf_counter()
                try:
                    return method(*given, **named)
                finally:
                    if part != "reference" or not torch.is_grad_enabled():
                        spent[part] += time.perf_counter() - begin

            setattr(trainer, name, timed)

        time_calls("_generate_single_turn", "generate")
        time_calls("_get_per_token_logps_and_entropies", "reference")
        trainer.train()
    return {"parts": {name: summarize(values[1:]) for name, values in seconds.items()}, "peak_mib": peak_mib()}


def run_floors(folder: Path, threads: int) -> dict[str, Any]:
    """What this machine allows: seconds of a step's parts at its best product speed and memory bandwidth, bfloat16."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.set_num_threads(threads)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    head = model.get_output_embeddings().weight.numel()
    left, right = (torch.randn(2048, 2048).bfloat16() for _ in range(2))
    flops = 2 * 2048**3 / best_time(lambda: left @ right)
    block = torch.ones(2**27)
    bandwidth = block.numel() * 4 / best_time(block.sum)
    tokens = PROMPTS * (PROMPT_TOKENS + GROUP * NEW_TOKENS)
    answers = PROMPTS * GROUP * NEW_TOKENS
    forward = (2 * (parameters - head) * tokens + 2 * head * answers) / flops
    row_flops = 2 * parameters * PROMPTS * GROUP
    decode = NEW_TOKENS * max(2 * parameters / bandwidth, row_flops / flops)
    return {
        "gflops": flops / 1e9,
        "bandwidth_gb": bandwidth / 1e9,
        "parts": {
            name: {"min": value, "median": value, "max": value}
            for name, value in {
                "generate": decode,
                "reference": forward,
                "train": 3 * forward,
                "step": decode + 4 * forward,
            }.items()
        },
    }


def best_time(work: Any) -> float:
    """Shortest of some runs, in seconds."""
    times = []
    for _ in range(12):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


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
    """Median seconds of each part (minimum to maximum of the step), memory, and ratios to ours."""
    print("| | step: min / median / max | generate | reference | train | peak MiB | step against ours |")
    print("|---|---|---|---|---|---|---|")
    ours = found.get("ours")
    for name, result in found.items():
        step, parts = result["parts"]["step"], result["parts"]
        cells = [f"{parts[part]['median']:.2f}" for part in ("generate", "reference", "train")]
        ratio = f"{step['median'] / ours['parts']['step']['median']:.2f}" if ours else ""
        peak = f"{result['peak_mib']:.0f}" if "peak_mib" in result else ""
        spread = f"{step['min']:.2f} / {step['median']:.2f} / {step['max']:.2f}"
        print(f"| {name} | {spread} | {' | '.join(cells)} | {peak} | {ratio} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--steps", type=int, default=3, help="measured steps of each contender")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.model = given.model.resolve()
    if given.contender is None:
        found = {}
        for name in given.only:
            found[name] = start(name, given)
            print(json.dumps({"contender": name, **found[name]}), flush=True)
        print_table(found)
        return
    runs = {
        "ours": lambda: run_ours(given.model, given.steps, given.threads),
        "trl": lambda: run_trl(given.model, given.steps, given.threads, best=False),
        "trl-best": lambda: run_trl(given.model, given.steps, given.threads, best=True),
        "floors": lambda: run_floors(given.model, given.threads),
    }
    print(json.dumps(runs[given.contender]()))


if __name__ == "__main__":
    main()
