"""What a reference must be, asked of the commands that use one."""

import math

import pytest

from rewardmodel.runtime.backbones import load_causal_model, load_tokenizer
from tests.rltrainer.model_families import make_family
from tests.rltrainer.offline.run_folder import make_offline_run, offline_config
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run
from tests.tiny_model import make_tiny_model

COMMANDS = {"grpo": "train", "policy-evaluate": "evaluate", "dpo": "train"}


def _run(kind, tmp_path, policy, reference):
    """Exit code and reason of a run of this kind."""
    model = {"path": str(policy), "reference": str(reference), "precision": "float32", "threads": 1, "device": "cpu"}
    if kind == "dpo":
        folder = make_offline_run(tmp_path / "run", offline_config("dpo", policy, model=model))
    elif kind == "grpo":
        folder = make_run(tmp_path / "run", grpo_config(policy, model=model, stop={"steps": 1}))
    else:
        config = {"kind": kind, "model": model, "reward": {"brevity_weight": 1.0}}
        sampling = {"responses_per_prompt": 2, "max_new_tokens": 6}
        folder = make_run(tmp_path / "run", {**config, "sampling": sampling}, prompts=4)
    return run(COMMANDS[kind], folder)


def _resized(folder, rows, *, tokens=(), seed=0):
    """A tiny model with so many rows in its table, and these tokens beside the usual ones."""
    make_tiny_model(folder, seed=seed)
    network, tokenizer = load_causal_model(folder), load_tokenizer(folder)
    tokenizer.add_tokens(list(tokens))
    network.resize_token_embeddings(rows)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_reference_with_other_tokens_is_refused(base, tmp_path, kind):
    other = _resized(tmp_path / "other", 262, tokens=("say", "dog"))
    code, reason = _run(kind, tmp_path, base, other)
    assert code == 2
    assert "model.reference: the reference reads the policy's tokens" in reason
    assert "has 2 that are missing" in reason
    assert "name a model with the policy's own tokenizer" in reason


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_reference_without_a_row_for_each_token_is_refused(base, tmp_path, kind):
    padded = _resized(tmp_path / "padded", 320)
    code, reason = _run(kind, tmp_path, padded, base)
    assert code == 2
    assert "model.reference: its table of embeddings has 260 rows and the policy's has 320" in reason


def test_a_reference_with_padding_rows_is_measured_from(base, tmp_path):
    padded = _resized(tmp_path / "padded", 320, seed=4)
    assert _run("grpo", tmp_path, base, padded) == (0, "")
    (row,) = read_rows(tmp_path / "run" / "metrics.jsonl")
    assert 0 < row["values"]["kl_token"] < math.inf
    assert read_json(tmp_path / "run" / "result.json")["kl_token"] > 0


def test_a_reference_that_caps_its_logits_is_refused_by_its_own_key(base, tmp_path):
    other = make_family(tmp_path / "capped", "Gemma 2")
    code, reason = _run("grpo", tmp_path, base, other)
    assert (code, reason.partition(": ")[2].partition(": ")[0]) == (2, "model.reference")
    assert "caps its logits" in reason


def test_a_reference_with_too_short_a_window_is_refused(base, tmp_path):
    other = make_family(tmp_path / "narrow", "Mistral", sliding_window=40)
    code, reason = _run("grpo", tmp_path, base, other)
    assert code == 2
    assert "model.reference: layers of kind sliding_attention see 40 tokens back" in reason
