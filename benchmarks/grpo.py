r"""A GRPO step beside TRL's: the same model, prompts, group and lengths, by turns in one run.

    python benchmarks/grpo.py --model FOLDER [--only ours trl trl-best] [--rounds 2] [--steps 3]
    python benchmarks/grpo.py --model FOLDER --device cuda --shape 0.5b --prompts 16 --prompt-tokens 128 \
        --new-tokens 256

Prints one JSON line a turn and a table at the end. Each contender runs in a process of its own, so that its peak memory
is its own, and has several turns; the first step of each is left out. Completions are forced to their full length. With
`--shape` the network has random weights of that shape, and the folder gives the tokenizer alone.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from grpo_work import PROMPT_TOKENS, SHAPES, Work, make_network, make_questions, run_floors
from turns import run_by_turns

ROOT = Path(__file__).resolve().parent.parent
KL_COEFFICIENT = 0.04
LEARNING_RATE = 1e-6
CONTENDERS = ("floors", "ours", "trl", "trl-best")


def peak_mib() -> float:
    """Highest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def device_peak_mib() -> float:
    """Highest memory of the GPU's tensors so far."""
    import torch

    return torch.cuda.max_memory_allocated() / 2**20


def write_full_lengths() -> None:
    """What TRL's min_new_tokens does: from here on nothing ends a completion of ours but its length."""
    from rltrainer.rollouts.batched_sampler import BatchedSampler

    plain = BatchedSampler.sample
    BatchedSampler.sample = lambda self, requests, rules: plain(  # type: ignore[method-assign]
        self, requests, replace(rules, stop_ids=frozenset())
    )


def run_ours(work: Work) -> dict[str, Any]:
    """The real trainer on a run directory; its own metrics are the figures."""
    from rewardmodel.runtime.process import keep_freed_memory

    keep_freed_memory()
    from rewardmodel.runtime.backbones import load_tokenizer
    from rltrainer.__main__ import main as run_trainer

    write_full_lengths()
    if work.profile is not None:
        profile_last_step(work.steps + 1, work.profile)
    with tempfile.TemporaryDirectory() as home:
        run = Path(home)
        (run / "data").mkdir()
        rows = [
            {"prompt_id": f"q{number}", "prompt": chat, "metadata": {}}
            for number, chat in enumerate(
                make_questions(load_tokenizer(work.folder), work.prompt_set, work.prompt_tokens)
            )
        ]
        (run / "data" / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        config = {
            "kind": "grpo",
            "model": {"path": str(work.folder), "threads": work.threads, "device": work.device},
            "rollout": {
                "prompts_per_step": work.prompts,
                "group_size": work.group,
                "max_new_tokens": work.new_tokens,
                "batch_rows": work.rows,
            },
            "reward": {"brevity_weight": 1.0, "repetition_penalty": 1.0},
            "kl": {"coefficient": KL_COEFFICIENT},
            "optimizer": {"learning_rate": LEARNING_RATE},
            "evaluation": {"prompts": 1, "samples_per_prompt": 1, "shown_prompts": 1},
            "checkpoint": {"every_steps": 10_000, "every_seconds": 100_000.0},
            "stop": {"steps": work.steps + 1 + (work.profile is not None)},
        }
        (run / "config.json").write_text(json.dumps(config))
        if run_trainer(["train", home]) != 0:
            sys.exit(f"the trainer failed:\n{(run / 'status.json').read_text()}")
        lines = (run / "metrics.jsonl").read_text().splitlines()[1 : work.steps + 1]
        metrics = [json.loads(line)["values"] for line in lines]
    parts = ("seconds_step", "seconds_generate", "seconds_reference", "seconds_train")
    return {
        "parts": {name.removeprefix("seconds_"): [row[name] for row in metrics] for name in parts},
        "peak_mib": device_peak_mib() if work.device == "cuda" else metrics[-1]["peak_memory_mib"],
    }


def profile_last_step(number: int, folder: Path) -> None:
    """Write where the time of ours' step of this number goes, by kernel and by operation."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    from rltrainer.trainer import Trainer

    plain = Trainer._step
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]

    def step(self: Any, session: Any, progress: Any) -> Any:
        if progress.step != number:
            return plain(self, session, progress)
        with profile(activities=kinds) as found:
            result = plain(self, session, progress)
        folder.mkdir(parents=True, exist_ok=True)
        for order in ("self_device_time_total", "self_cpu_time_total"):
            table = found.key_averages().table(sort_by=order, row_limit=40, max_name_column_width=70)
            (folder / f"{order}.txt").write_text(table)
        return result

    Trainer._step = step  # type: ignore[method-assign]


def run_trl(work: Work, *, best: bool) -> dict[str, Any]:
    """TRL as it comes, or with what makes it fastest here: no recomputed activations, and memory kept between steps."""
    if best:
        from rewardmodel.runtime.process import keep_freed_memory

        keep_freed_memory()
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    torch.set_num_threads(work.threads)
    tokenizer = AutoTokenizer.from_pretrained(work.folder)
    seconds: dict[str, list[float]] = {"step": [], "generate": [], "reference": [], "train": []}
    spent = {"generate": 0.0, "reference": 0.0}

    def finish_queued() -> None:
        if work.device == "cuda":
            torch.cuda.synchronize()

    class Clock(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            spent.update(generate=0.0, reference=0.0)
            self.begin = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            finish_queued()
            step = time.perf_counter() - self.begin
            for name, value in {**spent, "step": step, "train": step - sum(spent.values())}.items():
                seconds[name].append(value)

    with tempfile.TemporaryDirectory() as home:
        arguments = GRPOConfig(
            output_dir=home,
            use_cpu=work.device == "cpu",
            per_device_train_batch_size=work.trl_rows,
            gradient_accumulation_steps=work.rows // work.trl_rows,
            num_generations=work.group,
            max_completion_length=work.new_tokens,
            max_steps=work.steps + 1,
            learning_rate=LEARNING_RATE,
            beta=KL_COEFFICIENT,
            bf16=True,
            gradient_checkpointing=not best,
            logging_steps=1000,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            generation_kwargs={"min_new_tokens": work.new_tokens},
            lr_scheduler_type="constant",
            dataloader_pin_memory=False,
        )
        trainer = GRPOTrainer(
            model=AutoModelForCausalLM.from_pretrained(work.folder, dtype=torch.float32),
            reward_funcs=lambda completion_ids, **_: [-len(ids) - ids[0] / 1e6 for ids in completion_ids],
            args=arguments,
            train_dataset=Dataset.from_list(
                [{"prompt": chat} for chat in make_questions(tokenizer, work.prompt_set, work.prompt_tokens)]
            ),
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
                    finish_queued()
                    if part != "reference" or not torch.is_grad_enabled():
                        spent[part] += time.perf_counter() - begin

            setattr(trainer, name, timed)

        time_calls("_generate_single_turn", "generate")
        time_calls("_get_per_token_logps_and_entropies", "reference")
        trainer.train()
    peak = device_peak_mib() if work.device == "cuda" else peak_mib()
    return {"parts": {name: values[1:] for name, values in seconds.items()}, "peak_mib": peak}


def start(contender: str, arguments: list[str], threads: int) -> dict[str, Any]:
    """One contender in a process of its own."""
    command = [sys.executable, __file__, *arguments, "--contender", contender]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1", "PYTHONPATH": python_path()}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{contender} failed")
    return json.loads(done.stdout.splitlines()[-1])


def python_path() -> str:
    """This checkout before whatever stands there already."""
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


def print_table(found: dict[str, dict[str, Any]], work: Work) -> None:
    """Median seconds of each part (minimum to maximum of the step), rates, memory, and ratios to ours."""
    print(
        "| | step: min / median / max | generate | reference | train | tokens/s sampled | tokens/s trained "
        "| share of peak, train | peak MiB | step against ours |"
    )
    print("|---" * 10 + "|")
    ours, floors = found.get("ours"), found.get("floors")
    tokens = work.rows * work.new_tokens
    for name, result in found.items():
        step, parts = result["parts"]["step"], result["parts"]
        cells = [f"{parts[part]['median']:.2f}" for part in ("generate", "reference", "train")]
        cells += [f"{tokens / parts[part]['median']:,.0f}" for part in ("generate", "train")]
        share = ""
        if floors:
            rate = floors["operations_train"] / parts["train"]["median"]
            share = f"{rate / 1e9 / floors['gflops']:.2f}"
        ratio = f"{step['median'] / ours['parts']['step']['median']:.2f}" if ours else ""
        peak = f"{result['peak_mib']:.0f}" if "peak_mib" in result else ""
        spread = f"{step['min']:.2f} / {step['median']:.2f} / {step['max']:.2f}"
        print(f"| {name} | {spread} | {' | '.join(cells)} | {share} | {peak} | {ratio} |")


@contextmanager
def model_folder(given: argparse.Namespace) -> Iterator[Path]:
    """The folder of the network: the one that was named, or a new one of random weights."""
    if given.shape is None:
        yield given.model.resolve()
        return
    with tempfile.TemporaryDirectory() as home:
        make_network(Path(home), given.model, given.shape)
        yield Path(home)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--shape", choices=SHAPES, help="random weights of this shape; the folder gives the tokenizer")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=2, help="how often each contender has its turn")
    parser.add_argument("--steps", type=int, default=3, help="measured steps of each turn")
    parser.add_argument("--prompts", type=int, default=2)
    parser.add_argument("--group", type=int, default=8, help="completions of each prompt")
    parser.add_argument("--prompt-tokens", type=int, default=PROMPT_TOKENS)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--trl-rows", type=int, default=16, help="completions that TRL runs backward at once")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--profile", type=Path, help="folder for tables of where the time of a step of ours goes")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contender is not None:
        measure(given.contender, read_work(given, given.model.resolve()))
        return
    with model_folder(given) as folder:
        work = read_work(given, folder)
        # Of two arguments of one name the later counts: the network is made once, for all.
        arguments = [*without(sys.argv[1:], "--shape"), "--model", str(folder)]
        found = run_by_turns(given.only, lambda name: start(name, arguments, given.threads), rounds=given.rounds)
        print_table(found, work)


def without(arguments: list[str], name: str) -> list[str]:
    """Arguments without that one and its value."""
    if name not in arguments:
        return arguments
    place = arguments.index(name)
    return arguments[:place] + arguments[place + 2 :]


def read_work(given: argparse.Namespace, folder: Path) -> Work:
    """The arguments' work on a network."""
    return Work(
        folder=folder,
        device=given.device,
        prompts=given.prompts,
        group=given.group,
        prompt_tokens=given.prompt_tokens,
        new_tokens=given.new_tokens,
        trl_rows=min(given.trl_rows, given.prompts * given.group),
        steps=given.steps,
        threads=given.threads,
        profile=given.profile,
    )


def measure(contender: str, work: Work) -> None:
    """Print one contender's figures."""
    runs: dict[str, Callable[[Work], dict[str, Any]]] = {
        "ours": run_ours,
        "trl": lambda work: run_trl(work, best=False),
        "trl-best": lambda work: run_trl(work, best=True),
        "floors": run_floors,
    }
    print(json.dumps(runs[contender](work)))


if __name__ == "__main__":
    main()
