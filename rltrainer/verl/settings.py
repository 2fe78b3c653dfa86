"""PURE: a run's config in the words of verl 0.9.1, as nested sections of its `ppo_trainer` config."""

import math
from typing import Any

from rltrainer.config import OnlineConfig
from rltrainer.config_learning import KLConfig
from rltrainer.verl.machines import Machines

NO_LIMIT = 1e6
"""Where verl always clips and we do not: no ratio and no value gets there."""
AGGREGATIONS = {"token_mean": "token-mean", "grpo": "seq-mean-token-mean", "dr_grpo": "seq-mean-token-sum-norm"}
ESTIMATORS = {"k1": "k1", "k2": "k2", "k3": "low_var_kl"}
Section = dict[str, Any]


def describe_job(
    config: OnlineConfig, machines: Machines, *, job: str, model: str, critic: str, train_prompts: int
) -> Section:
    """All that differs from verl's defaults. job, model, critic: folders, the same on every machine."""
    sections: Section = {
        "data": _data(config, job),
        "actor_rollout_ref": {
            "model": _model(config, model),
            "actor": _actor(config),
            "rollout": _rollout(config, machines),
            "ref": {"log_prob_use_dynamic_bsz": True},
        },
        "reward": _reward(config, job),
        "algorithm": _algorithm(config),
        "trainer": _trainer(config, machines, job=job, train_prompts=train_prompts),
    }
    return {**sections, "critic": _critic(config, critic)} if config.kind == "ppo" else sections


def _data(config: OnlineConfig, job: str) -> Section:
    return {
        "train_files": f"{job}/data/train.jsonl",
        "val_files": f"{job}/data/held_out.jsonl",
        "prompt_key": "prompt",
        "reward_fn_key": "data_source",
        "train_batch_size": config.rollout.prompts_per_step,
        "max_prompt_length": config.data.max_prompt_tokens,
        "max_response_length": config.rollout.max_new_tokens,
        "truncation": "error",
        "shuffle": True,
        "seed": config.seed,
    }


def _model(config: OnlineConfig, folder: str) -> Section:
    return {
        "path": folder,
        "trust_remote_code": False,
        "lora_rank": config.model.adapter_rank,
        "lora_alpha": config.model.adapter_alpha,
        "target_modules": "all-linear",
        "enable_gradient_checkpointing": True,
        "use_remove_padding": True,
    }


def _longest(config: OnlineConfig) -> int:
    return config.data.max_prompt_tokens + config.rollout.max_new_tokens


def _tokens_at_once(config: OnlineConfig) -> int:
    return max(config.optimizer.micro_batch_tokens or 16384, _longest(config))


def _actor(config: OnlineConfig) -> Section:
    loss, optimizer = config.loss, config.optimizer
    return {
        "strategy": "fsdp2",
        "optim": {**_adamw(config), "lr": optimizer.learning_rate, "lr_warmup_steps": optimizer.warmup_steps},
        "ppo_mini_batch_size": config.rollout.prompts_per_step // optimizer.minibatches,
        "ppo_epochs": optimizer.passes,
        "shuffle": optimizer.minibatches > 1,
        "data_loader_seed": config.seed,
        "use_dynamic_bsz": True,
        "ppo_max_token_len_per_gpu": _tokens_at_once(config),
        "grad_clip": optimizer.max_grad_norm,
        "policy_loss": {"loss_mode": _loss_mode(config)},
        "clip_ratio": loss.clip_low,
        "clip_ratio_low": loss.clip_low,
        "clip_ratio_high": loss.clip_high,
        "clip_ratio_c": NO_LIMIT if loss.clip_dual is None else loss.clip_dual,
        "loss_agg_mode": AGGREGATIONS[loss.aggregation],
        "loss_scale_factor": config.rollout.max_new_tokens if loss.aggregation == "dr_grpo" else None,
        "entropy_coeff": loss.entropy_coefficient,
        "use_kl_loss": config.kl.place == "loss" and config.kl.coefficient > 0,
        "kl_loss_coef": config.kl.coefficient,
        "kl_loss_type": _kl_loss(config.kl),
        # A folder that transformers can load lies beside the shards, for the way back.
        "checkpoint": {"save_contents": ["model", "optimizer", "extra", "hf_model"]},
    }


def _adamw(config: OnlineConfig) -> Section:
    optimizer = config.optimizer
    return {
        "weight_decay": optimizer.weight_decay,
        "betas": [optimizer.beta1, optimizer.beta2],
        "clip_grad": optimizer.max_grad_norm,
        "lr_scheduler_type": "constant",
        "override_optimizer_config": {"eps": optimizer.epsilon},
    }


def _loss_mode(config: OnlineConfig) -> str:
    if config.loss.surrogate == "cispo":
        return "cispo"
    return "gspo" if config.loss.ratio == "sequence_token" else "vanilla"


def _kl_loss(kl: KLConfig) -> str:
    name = ESTIMATORS[kl.estimator]
    # The plus binds the value of one estimator to the gradient of k2, whose own gradient it is.
    return f"{name}+" if kl.gradient == "k2_st" and kl.estimator != "k2" else name


def _rollout(config: OnlineConfig, machines: Machines) -> Section:
    return {
        "name": "vllm",
        "n": config.rollout.group_size,
        "temperature": config.rollout.temperature,
        "top_k": -1,
        "top_p": 1.0,
        "max_model_len": _longest(config),
        "tensor_model_parallel_size": machines.tensor_parallel,
        "calculate_log_probs": True,
        "log_prob_use_dynamic_bsz": True,
        "val_kwargs": {
            "n": config.evaluation.samples_per_prompt,
            "do_sample": True,
            "temperature": config.rollout.temperature,
            "top_k": -1,
            "top_p": 1.0,
        },
    }


def _reward(config: OnlineConfig, job: str) -> Section:
    described: Section = {
        "custom_reward_function": {"path": f"{job}/reward.py", "name": "compute_score"},
        # Each worker loads the reward model for itself.
        "num_workers": 1 if config.reward.model else 8,
        "reward_manager": {"source": "register", "name": "naive"},
    }
    if config.reward.overlong_factor:
        margin = config.reward.overlong_tokens or max(1, config.rollout.max_new_tokens // 5)
        described["reward_manager"]["name"] = "dapo"
        described["reward_kwargs"] = {
            "max_resp_len": config.rollout.max_new_tokens,
            "overlong_buffer_cfg": {
                "enable": True,
                "len": margin,
                "penalty_factor": config.reward.overlong_factor,
                "log": True,
            },
        }
    return described


def _algorithm(config: OnlineConfig) -> Section:
    kl = config.kl
    return {
        "adv_estimator": _estimator(config),
        "gamma": config.gae.discount,
        "lam": config.gae.trace,
        "norm_adv_by_std_in_grpo": config.advantage.scale == "group_std",
        "use_kl_in_reward": kl.place == "reward" and kl.coefficient > 0,
        "kl_penalty": "kl",
        "kl_ctrl": {
            "type": kl.controller,
            "kl_coef": kl.coefficient,
            "horizon": kl.horizon,
            "target_kl": kl.target,
        },
        "filter_groups": {"enable": config.drawing.enabled, "metric": "task_reward"},
    }


def _estimator(config: OnlineConfig) -> str:
    if config.kind == "ppo":
        return "gae"
    return "rloo" if config.advantage.scale == "loo" else "grpo"


def _critic(config: OnlineConfig, folder: str) -> Section:
    critic = config.critic
    return {
        "strategy": "fsdp2",
        "optim": {**_adamw(config), "lr": critic.learning_rate, "lr_warmup_steps": config.optimizer.warmup_steps},
        "model": {"path": folder, "tokenizer_path": folder, "trust_remote_code": False},
        "ppo_epochs": critic.passes,
        "ppo_max_token_len_per_gpu": _tokens_at_once(config),
        "cliprange_value": NO_LIMIT if critic.clip is None else critic.clip,
        "grad_clip": config.optimizer.max_grad_norm,
    }


def _trainer(config: OnlineConfig, machines: Machines, *, job: str, train_prompts: int) -> Section:
    batches = max(1, train_prompts // config.rollout.prompts_per_step)
    return {
        "nnodes": machines.nodes,
        "n_gpus_per_node": machines.gpus_per_node,
        "total_training_steps": config.stop.steps,
        "total_epochs": math.ceil(config.stop.steps / batches),
        "critic_warmup": config.critic.warmup_steps if config.kind == "ppo" else 0,
        "save_freq": config.checkpoint.every_steps,
        "test_freq": config.checkpoint.every_steps,
        "val_before_train": True,
        "logger": ["console", "file"],
        "project_name": "concord",
        "experiment_name": config.kind,
        "default_local_dir": f"{job}/checkpoints",
        "resume_mode": "auto",
    }
