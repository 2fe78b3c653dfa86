"""Both files of a run, encoded and checked."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rewardmodel.records import ExampleRecord, PreferenceRecord, read_examples, read_preferences
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.targets import smooth, soft_target
from rltrainer.config_offline import DPOConfig, OfflineConfig, PreferenceLossConfig
from rltrainer.offline.lesson import Lesson, check_apart, keep_fitting, make_lesson
from rltrainer.progress import hash_file


@dataclass(frozen=True, slots=True)
class Lessons:
    """All usable lessons of a run."""

    train: list[Lesson]
    """To learn from."""
    held_out: list[Lesson]
    """Of other prompts."""
    left_out: int
    """Records that were too long."""
    sha256: str
    """Digest of both files."""


def load_lessons(directory: RunDirectory, config: OfflineConfig, renderer: Renderer) -> Lessons:
    """Both splits. Raises: DataError with what is wrong."""
    paths = {name: directory.resolve(getattr(config.data, name)) for name in ("train", "eval")}
    read = partial(_read_pairs, loss=config.loss) if isinstance(config, DPOConfig) else _read_examples
    (train, train_left), (held_out, held_out_left) = (
        _load(path, read, renderer, max_tokens=config.data.max_length_tokens, name=f"data.{name}")
        for name, path in paths.items()
    )
    check_apart(train, held_out)
    digest = hashlib.sha256("".join(hash_file(path) for path in paths.values()).encode()).hexdigest()
    return Lessons(train, held_out, train_left + held_out_left, digest)


def _load(
    path: Path, read: Callable[[Path, Renderer], list[Lesson]], renderer: Renderer, *, max_tokens: int, name: str
) -> tuple[list[Lesson], int]:
    return keep_fitting(read(path, renderer), max_tokens=max_tokens, name=name)


def _read_examples(path: Path, renderer: Renderer) -> list[Lesson]:
    return [encode_example(record, renderer) for record in read_examples(path)]


def _read_pairs(path: Path, renderer: Renderer, *, loss: PreferenceLossConfig) -> list[Lesson]:
    return [encode_preference(record, renderer, loss) for record in read_preferences(path)]


def encode_example(record: ExampleRecord, renderer: Renderer) -> Lesson:
    """The response to imitate."""
    return make_lesson(record, [record.response], renderer)


def encode_preference(record: PreferenceRecord, renderer: Renderer, loss: PreferenceLossConfig) -> Lesson:
    """The chosen and the rejected response, and how sure people are of their choice."""
    target = soft_target(record, prior=loss.vote_prior) if loss.target == "votes" else 1.0
    target = smooth(target, label_smoothing=loss.label_smoothing)
    return make_lesson(record, [record.chosen, record.rejected], renderer, target=target, weight=record.weight)
