"""Prompts into vectors: one short process of the trainers' package, so that the site needs no torch."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from django.conf import settings

from annotation.agreement.observations import Floats
from annotation.data_health.diversity import unit_rows
from trainingruns.artifacts import folder_bytes
from trainingruns.launcher import environment_without_secrets

LIMIT_SECONDS = 600
MOST_BYTES = 4 << 30
"""A larger model would crowd out what else runs on the machine, and not be done in time without a GPU."""
GRACE_SECONDS = 30
"""The process ends itself at the limit; so much later it is ended."""
REFERENCE = Path(__file__).parent / "demo" / "prompts.json"


class CannotEmbed(Exception):
    """There are no vectors; the message says why, to stand after "because"."""


def embed_prompts(texts: Sequence[str], *, folder: Path, seconds: int = LIMIT_SECONDS) -> Floats:
    """[texts, dimensions] rows of length 1, centred on the prompts of the demo. Raises: CannotEmbed.

    All that a language model thinks of points one way, so that any two texts look alike (cosine 0.8). Less the mean of
    a fixed set of prompts on many topics, unrelated texts are near 0, and one template stays one thing: the mean of
    the sample itself would make any sample look diverse.
    Source: centring, Mu and Viswanath 2018 (arXiv:1702.01417).
    """
    reference = [row["prompt"] for row in json.loads(REFERENCE.read_text(encoding="utf-8"))["prompts"]]
    vectors = _run([*texts, *reference], folder, seconds)
    return unit_rows(vectors[: len(texts)] - vectors[len(texts) :].mean(axis=0))


def _run(texts: Sequence[str], folder: Path, seconds: int) -> Floats:
    if importlib.util.find_spec("torch") is None:
        raise CannotEmbed("the training extra is not installed where training runs")
    if not (folder / "config.json").is_file():
        raise CannotEmbed("the base model's folder is gone")
    if (size := folder_bytes(folder)) > MOST_BYTES:
        raise CannotEmbed(f"the base model is too large for it ({size / 2**30:.1f} GiB, at most {MOST_BYTES >> 30})")
    command = [sys.executable, "-m", "rewardmodel", "embed", str(folder), str(seconds)]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    try:
        done = subprocess.run(
            command, input=lines, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False,
            timeout=seconds + GRACE_SECONDS, cwd=settings.BASE_DIR, start_new_session=True,
            env={**environment_without_secrets(os.environ), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise CannotEmbed(f"the model was not done within {seconds:g} seconds") from error
    except OSError as error:
        raise CannotEmbed(f"the model could not be started: {error}") from error
    if done.returncode:
        words = done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}"
        raise CannotEmbed(f"the model failed: {words}")
    return _read(done.stdout, len(texts))


def _read(output: str, count: int) -> Floats:
    try:
        vectors = np.array([json.loads(line)["embedding"] for line in output.splitlines()], np.float64)
    except (ValueError, KeyError, TypeError) as error:
        raise CannotEmbed(f"the model's answer cannot be read: {error}") from error
    if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
        raise CannotEmbed(f"the model gave {len(vectors)} vectors for {count} texts, or none that are finite")
    return vectors
