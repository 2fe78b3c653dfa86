"""PURE: settings of a run that mean nothing in verl 0.9.1, and why: nothing of what is learned hangs on them.

What would change what is learned, or is somebody's wish that verl cannot grant, is refused: see `limits`.
"""

from collections.abc import Iterator

from rltrainer.config import OnlineConfig

_OUR_COMPARISON = "belongs to our comparison with the reference, which verl does not make; see kind 'policy-evaluate'"
UNUSED = {
    "model.exact_forward": "is for bfloat16 networks on a CPU",
    "model.peak_tflops": "verl has a table of what GPUs can do",
    "model.processes": "the options --nodes and --gpus-per-node say how many GPUs there are",
    "model.sharding": "verl spreads every network over all GPUs (FSDP2)",
    "rollout.batch_rows": "vLLM chooses what it decodes together",
    "dynamic_sampling.max_batches": "verl draws until a step is full",
    "dynamic_sampling.on_cap": "verl draws until a step is full",
    "kl.measure": "verl computes the distance where it has a price, and only there",
    "optimizer.max_skipped_steps": "verl leaves such steps out and goes on, however many they are",
    "brakes": "verl watches nothing; brakes that are to warn will not",
    "checkpoint.keep_when_done": "verl keeps every checkpoint",
    "checkpoint.every_seconds": "verl saves after checkpoint.every_steps steps",
    "evaluation.shown_prompts": "verl keeps no answers of its evaluation",
    "evaluation.confidence": _OUR_COMPARISON,
    "evaluation.pass_at": _OUR_COMPARISON,
}
"""Why a setting, or every setting of a section, has no effect."""


def list_unused(config: OnlineConfig) -> list[str]:
    """A sentence for each setting that somebody has changed from its default and that will have no effect."""
    return [f"{key}: has no effect, for {UNUSED[place]}" for key, place in _changed(config)]


def _changed(config: OnlineConfig) -> Iterator[tuple[str, str]]:
    """Keys of unused settings that are not as the section has them by default, with their places in `UNUSED`."""
    saved, plain = config.to_dict(), OnlineConfig().to_dict()
    for section, values in saved.items():
        if not isinstance(values, dict):
            continue
        for name, value in values.items():
            key = f"{section}.{name}"
            place = key if key in UNUSED else section
            if place in UNUSED and value != plain[section][name]:
                yield key, place
