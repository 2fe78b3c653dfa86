"""Our sampler beside transformers' `generate`: the same network, precision, threads and memory settings.

    python benchmarks/sampling.py --model FOLDER [--rows 16] [--repeats 3]

Prints one JSON line: completion tokens a second of both as minimum, median and maximum, taken in turns, and the ratio
of the medians. Completions are forced to their full length; every prompt gets eight of them.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rewardmodel.runtime.process import keep_freed_memory  # must come before torch

PROMPT_TOKENS, NEW_TOKENS, GROUP = 60, 64, 8


def measure(folder: Path, rows: int, repeats: int, threads: int) -> dict[str, Any]:
    """Both in turns, after one run of each that is not counted."""
    import torch

    from rewardmodel.runtime.backbones import load_causal_model
    from rltrainer.rollouts.batched_sampler import BatchedSampler
    from rltrainer.rollouts.engine import SamplingRequest, SamplingRules

    torch.set_num_threads(threads)
    model = load_causal_model(folder, dtype=torch.bfloat16)
    generator = torch.Generator().manual_seed(0)
    prompts = torch.randint(1000, 30_000, (max(1, rows // GROUP), PROMPT_TOKENS), generator=generator)
    share = rows // len(prompts)
    requests = [SamplingRequest(tuple(ids.tolist()), tuple(range(share))) for ids in prompts]
    inputs = prompts.repeat_interleave(share, dim=0)

    def ours() -> None:
        BatchedSampler(model, batch_rows=rows).sample(requests, SamplingRules(NEW_TOKENS, frozenset()))

    def generate() -> None:
        model.generate(
            inputs,
            attention_mask=torch.ones_like(inputs),
            do_sample=True,
            top_k=0,
            min_new_tokens=NEW_TOKENS,
            max_new_tokens=NEW_TOKENS,
            pad_token_id=0,
        )

    contenders = {"ours": ours, "generate": generate}
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    with torch.inference_mode():
        for number in range(repeats + 1):
            for name, work in contenders.items():
                begin = time.perf_counter()
                work()
                if number:
                    speeds[name].append(len(inputs) * NEW_TOKENS / (time.perf_counter() - begin))
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    spread = {
        name: {"min": round(min(values), 1), "median": round(medians[name], 1), "max": round(max(values), 1)}
        for name, values in speeds.items()
    }
    ratio = round(medians["ours"] / medians["generate"], 2)
    return {"rows": len(inputs), "threads": threads, "tokens_per_second": spread, "ratio": ratio}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--rows", type=int, default=16, help="completions decoded together")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    keep_freed_memory()
    print(json.dumps(measure(given.model.resolve(), given.rows, given.repeats, given.threads)))


if __name__ == "__main__":
    main()
