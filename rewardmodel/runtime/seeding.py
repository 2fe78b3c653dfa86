"""Randomness that a run can repeat."""

import hashlib
import random

import numpy
import torch


def seed_everything(seed: int) -> None:
    """Seed python, numpy and torch, on every device."""
    random.seed(seed)
    numpy.random.seed(seed % 2**32)
    torch.manual_seed(seed % 2**63)


def derive_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed that depends on `seed` and the names, the same on every machine and Python."""
    text = "\x1f".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def derive_generator(seed: int, *names: str | int, device: str = "cpu") -> torch.Generator:
    """A torch generator of its own for one purpose, so that purposes do not disturb each other."""
    generator = torch.Generator(device=device)
    generator.manual_seed(derive_seed(seed, *names))
    return generator
