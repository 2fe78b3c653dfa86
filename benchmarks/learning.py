"""Does it learn as the peer does: GRPO on SmolLM2-135M beside TRL, the same prompts, reward, seeds and settings.

    python -m benchmarks.learning MODEL_FOLDER --steps 30 --seeds 0 1 2 3 4 --out curves.svg

The reward is brevity: minus the length as a share of the longest answer, -1 for an answer that never stops. Each line
is one run in a process of its own. The table gives the rise of the mean reward over the run (least squares over all
steps of all seeds) with its 95 % interval, which `rises.py` makes knowing that neighbouring steps depend on each
other. With fewer than five seeds it is that of these very seeds, and says nothing of new ones. The SVG shows both
curves. The peer is left out with --ours-only.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.rises import LEAST_STEPS, measure_rise

PROMPTS_A_STEP, GROUP, LEARNING_RATE = 2, 8, 2e-5
TOPICS = (
    "the moon", "bread", "a bicycle", "winter", "a library", "the sea", "tea", "a hammer", "clouds", "a garden", "mud",
    "a train", "honey", "glass", "a lighthouse", "paper", "the heart", "a clock", "sand", "a bridge", "rain", "wool",
    "a compass", "salt", "a violin", "the wind", "a candle", "rice", "a map", "iron", "a river", "coffee",
)  # fmt: skip
ASKS = ("Tell me about {}.", "Why does {} matter?", "Describe {} to a child.", "What is {} good for?")


def make_prompts() -> list[str]:
    """128 short questions, the topics mixed."""
    return [ask.format(topic) for ask in ASKS for topic in TOPICS]


def run_ours(model: Path, *, steps: int, seed: int, new_tokens: int) -> list[float]:
    """Mean reward of each step of our trainer."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "data").mkdir()
        rows = [
            {"prompt_id": f"q{number}", "prompt": [{"role": "user", "content": text}], "metadata": {}}
            for number, text in enumerate(make_prompts())
        ]
        (root / "data" / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        config = {
            "schema": 1,
            "kind": "grpo",
            "seed": seed,
            "model": {"path": str(model.resolve())},
            "rollout": {
                "prompts_per_step": PROMPTS_A_STEP,
                "group_size": GROUP,
                "max_new_tokens": new_tokens,
                "batch_rows": PROMPTS_A_STEP * GROUP,
            },
            "reward": {"brevity_weight": 1.0},
            "kl": {"coefficient": 0.0},
            "brakes": {"kl": "off", "length": "off", "entropy": "off"},
            "optimizer": {"learning_rate": LEARNING_RATE},
            "evaluation": {"prompts": 1, "samples_per_prompt": 1, "shown_prompts": 0},
            "checkpoint": {"every_steps": 1000, "every_seconds": 1e9},
            "stop": {"steps": steps},
        }
        (root / "config.json").write_text(json.dumps(config))
        subprocess.run([sys.executable, "-m", "rltrainer", "train", folder], check=True, stdout=subprocess.DEVNULL)
        lines = (root / "metrics.jsonl").read_text().splitlines()
        return [json.loads(line)["values"]["reward"] for line in lines]


def run_peer(model: Path, *, steps: int, seed: int, new_tokens: int) -> list[float]:
    """Mean reward of each step of TRL's GRPOTrainer, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.learning", str(model), "--as-peer", str(seed)]
    command += ["--steps", str(steps), "--new-tokens", str(new_tokens)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    rewards: list[float] = json.loads(done.stdout.splitlines()[-1])
    return rewards


def be_peer(model: Path, *, steps: int, seed: int, new_tokens: int) -> list[float]:
    """Train with TRL in this process, its settings brought to ours where the defaults differ."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
    with tempfile.TemporaryDirectory() as folder:
        arguments = GRPOConfig(
            output_dir=folder,
            use_cpu=True,
            per_device_train_batch_size=PROMPTS_A_STEP * GROUP,
            num_generations=GROUP,
            max_completion_length=new_tokens,
            max_steps=steps,
            learning_rate=LEARNING_RATE,
            lr_scheduler_type="constant",
            beta=0.0,
            loss_type="dapo",
            bf16=True,
            gradient_checkpointing=False,
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            seed=seed,
            disable_tqdm=True,
        )
        trainer = GRPOTrainer(
            model=AutoModelForCausalLM.from_pretrained(model, dtype="float32"),
            reward_funcs=lambda completion_ids, **_: [-len(ids) / new_tokens for ids in completion_ids],
            args=arguments,
            train_dataset=Dataset.from_list([{"prompt": [{"role": "user", "content": t}]} for t in make_prompts()]),
            processing_class=tokenizer,
        )
        trainer.train()
        return [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]


def draw(curves: dict[str, list[list[float]]], path: Path) -> None:
    """Each side's mean reward by step, thin lines for single seeds."""
    width, height, margin = 720, 360, 48
    steps = max(len(curve) for side in curves.values() for curve in side)
    lows = [min(curve) for side in curves.values() for curve in side]
    low, high = min(lows), 0.0

    def line(curve: list[float], colour: str, thickness: float) -> str:
        places = [
            f"{margin + index / max(steps - 1, 1) * (width - 2 * margin):.1f},"
            f"{height - margin - (value - low) / (high - low) * (height - 2 * margin):.1f}"
            for index, value in enumerate(curve)
        ]
        return f'<polyline points="{" ".join(places)}" fill="none" stroke="{colour}" stroke-width="{thickness}"/>'

    parts = []
    for number, (name, side) in enumerate(curves.items()):
        colour = ("#2a5bd7", "#b4581a")[number]
        mean = [statistics.fmean(values) for values in zip(*side, strict=False)]
        parts += [line(curve, colour, 0.8) for curve in side] + [line(mean, colour, 2.5)]
        parts.append(f'<text x="{margin + 8}" y="{margin + 18 * (number + 1)}" fill="{colour}">{name}</text>')
    rules = [
        f'<path d="M{margin} {y}H{width - margin}" stroke="#999" stroke-width="0.5"/>'
        f'<text x="{margin - 8}" y="{y + 5}" text-anchor="end">{value:.1f}</text>'
        for y, value in ((margin, high), (height / 2, (low + high) / 2), (height - margin, low))
    ]
    ends = ((margin, "start", "step 1"), (width - margin, "end", f"step {steps}"))
    axis = "".join(rules) + "".join(
        f'<text x="{x}" y="{height - 24}" text-anchor="{anchor}">{text}</text>' for x, anchor, text in ends
    )
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="14"><rect width="100%" height="100%" fill="#fff"/><title>Mean reward by step</title>'
        f"{axis}{''.join(parts)}</svg>\n"
    )


def main() -> None:
    """Run all sides and seeds, print the table, draw the curves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--ours-only", action="store_true")
    parser.add_argument("--as-peer", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.steps < LEAST_STEPS:
        parser.error(f"--steps: a rise with an interval takes {LEAST_STEPS} steps or more")
    terms = {"steps": given.steps, "new_tokens": given.new_tokens}
    if given.as_peer is not None:
        print(json.dumps(be_peer(given.model, seed=given.as_peer, **terms)))
        return
    curves = {"ours": [run_ours(given.model, seed=seed, **terms) for seed in given.seeds]}
    if not given.ours_only:
        curves["TRL 1.16"] = [run_peer(given.model, seed=seed, **terms) for seed in given.seeds]
    print(f"{'':10} {'first 5':>8} {'last 5':>8} {'rise':>8}   95 % interval")
    for name, side in curves.items():
        first, last = (
            statistics.fmean(v for curve in side for v in curve[part]) for part in (slice(5), slice(-5, None))
        )
        found = measure_rise(side)
        interval = f"[{found.low:+.3f}, {found.high:+.3f}]  {found.method}"
        print(f"{name:10} {first:8.3f} {last:8.3f} {found.value:+8.3f}   {interval}")
    if given.out:
        draw(curves, given.out)
    print(json.dumps(curves))


if __name__ == "__main__":
    main()
