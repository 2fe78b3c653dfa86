"""PURE. The configurations that runs start from; with them SmolLM2-135M finishes on two CPU cores in sensible time.

A GPU machine overrides what it likes; whatever is not named here is the trainer's own default.
"""

from typing import Any


def recipe_for(kind: str, *, layers: int = 0) -> dict[str, Any]:
    """The starting configuration of a kind of run; kinds without one start from their trainer's defaults.

    layers: those of the model that the run starts from, 0 where that is not known.
    """
    if kind == "reward":
        return {"schema": 1, "kind": kind, **reward_recipe(layers)}
    recipe = _RECIPES.get(kind)
    return {"schema": 1, "kind": kind, **(recipe() if recipe else {})}


def reward_recipe(layers: int) -> dict[str, Any]:
    """One pass over the pairs; the upper third of the layers learns, which halves the time of a step on a CPU."""
    return {
        "model": {"frozen_layers": layers * 2 // 3},
        "optimizer": {"learning_rate": 5e-5},
        "evaluation": {"every_steps": 10, "monitor_pairs": 64},
    }


def grpo_recipe() -> dict[str, Any]:
    """20 steps of 2 prompts x 8 completions; a minute or so for each handful of steps on two cores."""
    return {
        "rollout": {"prompts_per_step": 2, "group_size": 8, "max_new_tokens": 64, "batch_rows": 16},
        # A learned reward is trusted only near the reference, hence the price on KL.
        "kl": {"coefficient": 0.04},
        # Twenty steps at the trainer's default of 1e-6 would not even change most weights' bfloat16 copy.
        "optimizer": {"learning_rate": 1e-5},
        "checkpoint": {"every_steps": 5},
        "evaluation": {"prompts": 8, "samples_per_prompt": 2, "shown_prompts": 4},
        "stop": {"steps": 20},
    }


def sample_recipe() -> dict[str, Any]:
    """Two responses to each prompt, short enough for people to read; small batches, so that the first come soon."""
    return {
        "sampling": {
            "responses_per_prompt": 2,
            "max_new_tokens": 160,
            "temperature": 0.9,
            "top_p": 0.95,
            "batch_rows": 8,
        },
    }


_RECIPES = {"grpo": grpo_recipe, "sample": sample_recipe}
