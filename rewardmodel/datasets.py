"""Both splits of a reward run, encoded."""

import hashlib
from dataclasses import dataclass

from rewardmodel.config import RewardConfig
from rewardmodel.data import EncodedPair, check_splits, encode_pairs
from rewardmodel.records import read_preferences
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.run_directory import RunDirectory


@dataclass(frozen=True, slots=True)
class Datasets:
    """The encoded records of a run."""

    train: list[EncodedPair]
    """Pairs to learn from."""
    held_out: list[EncodedPair]
    """Pairs of other prompts."""
    digest: str
    """Hash of both files."""

    @property
    def truncated_rows(self) -> int:
        """Sequences that lost tokens at the front."""
        return sum(pair.truncated_rows for pair in (*self.train, *self.held_out))


def load_datasets(directory: RunDirectory, config: RewardConfig, renderer: Renderer) -> Datasets:
    """Both splits, encoded. Raises: DataError."""
    paths = [directory.resolve(config.data.train), directory.resolve(config.data.eval)]
    records = [read_preferences(path) for path in paths]
    check_splits(*records)
    digest = hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in paths)).hexdigest()
    train, held_out = (
        encode_pairs(split, renderer, max_length_tokens=config.data.max_length_tokens) for split in records
    )
    return Datasets(train, held_out, digest)
