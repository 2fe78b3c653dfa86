"""PURE. The configurations that runs start from; with them SmolLM2-135M finishes on two CPU cores in sensible time.

A GPU machine overrides what it likes; whatever is not named here is the trainer's own default.
"""

from collections.abc import Callable, Mapping
from typing import Any

Recipe = dict[str, Any]
_READABLE: Recipe = {"shown_prompts": 4, "max_new_tokens": 96, "temperature": 0.7}
"""A small model that learned how people write is as varied as they are; at temperature 1 its answers fall apart."""


def recipe_for(kind: str, *, layers: int = 0) -> Recipe:
    """The starting configuration of a kind of run; kinds without one start from their trainer's defaults.

    layers: those of the model that the run starts from, 0 where that is not known.
    """
    if kind == "reward":
        return {"schema": 1, "kind": kind, **reward_recipe(layers)}
    recipe = _RECIPES.get(kind)
    return {"schema": 1, "kind": kind, **(recipe() if recipe else {})}


def shorten_warmups(recipe: Recipe, wished: Mapping[str, Any]) -> Recipe:
    """The recipe with warm-ups of at most half of the steps that somebody wishes for; their own are left to them."""
    fitted = dict(recipe)
    for section, steps in (("optimizer", ("training", "max_steps")), ("critic", ("stop", "steps"))):
        values = wished.get(steps[0], {})
        wanted = values.get(steps[1]) if isinstance(values, Mapping) else None
        if type(wanted) is int and "warmup_steps" in recipe.get(section, {}):
            most = min(recipe[section]["warmup_steps"], max(0, wanted // 2))
            fitted[section] = {**recipe[section], "warmup_steps": most}
    return fitted


def keep_to_learn_from(recipe: Recipe, wished: Mapping[str, Any]) -> Recipe:
    """A sampling recipe with what a policy needs to learn from people's judgments of the responses: log-probs.

    Those are of no use where not every token could be drawn. Whoever wishes for that, or for no log-probs, gets the
    recipe as it was.
    """
    values = wished.get("sampling", {})
    if not isinstance(values, Mapping) or not values.get("keep_log_probs", True):
        return recipe
    if values.get("top_p", 1) != 1 or values.get("temperature", 1) == 0:
        return recipe
    return {**recipe, "sampling": {**recipe["sampling"], "top_p": 1.0, "keep_log_probs": True}}


def reward_recipe(layers: int) -> Recipe:
    """One pass over the pairs; the upper third of the layers learns, which halves the time of a step on a CPU."""
    return {
        "model": {"frozen_layers": layers * 2 // 3},
        "optimizer": {"learning_rate": 5e-5},
        "evaluation": {"every_steps": 10, "monitor_pairs": 64},
    }


def sft_recipe() -> Recipe:
    """At most 60 steps of 16 responses; every weight learns."""
    return {
        "data": {"max_length_tokens": 512},
        "training": {"epochs": 1, "max_steps": 60, "records_per_step": 16},
        "optimizer": {"learning_rate": 2e-5, "warmup_steps": 3},
        "checkpoint": {"every_steps": 10},
        "evaluation": {"every_steps": 10, "monitor_records": 32, **_READABLE},
    }


def dpo_recipe() -> Recipe:
    """At most 40 steps of 16 pairs: so few that a rate for long runs would hardly change the weights' bfloat16 copy."""
    return {
        "data": {"max_length_tokens": 512},
        "training": {"epochs": 1, "max_steps": 40, "records_per_step": 16},
        "optimizer": {"learning_rate": 1e-5, "warmup_steps": 2},
        "checkpoint": {"every_steps": 10},
        "evaluation": {"every_steps": 10, "monitor_records": 32, **_READABLE},
    }


def grpo_recipe() -> Recipe:
    """20 steps of 2 prompts x 8 completions; a minute or so for each handful of steps on two cores."""
    # A learned reward is trusted only near the reference, hence the price on KL.
    return {**_online(), "kl": {"coefficient": 0.04}}


def rloo_recipe() -> Recipe:
    """The steps of GRPO with each completion held against its siblings, and distance as part of the reward."""
    return _online()


def dapo_recipe() -> Recipe:
    """The steps of GRPO without a price on distance, on groups that differ; on two cores a step draws at most thrice.

    Learned rewards always differ a little: several reward models also leave out groups that differ by less than the
    models among themselves, and with a single one the run says that no group is left out.
    """
    return {
        **_online(),
        "dynamic_sampling": {"enabled": True, "max_batches": 3, "on_cap": "train_partial"},
        "reward": {"overlong_factor": 1.0},
        # Nothing holds the policy near the reference here, so somebody must look.
        "brakes": {"kl": "stop", "kl_limit": 20.0},
    }


def ppo_recipe() -> Recipe:
    """20 steps of 16 completions, one a prompt; the critic learns alone for the first 4."""
    return {
        **_online(),
        "rollout": {"prompts_per_step": 16, "group_size": 1, "max_new_tokens": 64, "batch_rows": 16},
        "critic": {"warmup_steps": 4},
        # Here the limit, and not the policy, ends most answers: a price on that would teach brevity and little else.
        "reward": {"unfinished_penalty": 0.0},
    }


def sample_recipe() -> Recipe:
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


def _online() -> Recipe:
    """What the kinds that learn from their own completions share."""
    return {
        "rollout": {"prompts_per_step": 2, "group_size": 8, "max_new_tokens": 64, "batch_rows": 16},
        # Twenty steps at the trainer's default of 1e-6 would not even change most weights' bfloat16 copy.
        "optimizer": {"learning_rate": 1e-5},
        "checkpoint": {"every_steps": 5},
        "evaluation": {"prompts": 8, "samples_per_prompt": 2, "shown_prompts": 4},
        "stop": {"steps": 20},
    }


_RECIPES: dict[str, Callable[[], Recipe]] = {
    "sft": sft_recipe,
    "dpo": dpo_recipe,
    "ppo": ppo_recipe,
    "grpo": grpo_recipe,
    "rloo": rloo_recipe,
    "dapo": dapo_recipe,
    "sample": sample_recipe,
}
