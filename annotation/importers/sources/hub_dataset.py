"""PURE. A dataset of the Hugging Face hub by its id, streamed; needs the optional library `datasets` and a network."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from annotation.importers.sources.row import SourceError, SourceRow

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
OLDEST_MAJOR = 4
"""From here on the library runs no code that a dataset brings."""
OTHERWISE = "Or download the dataset and import its folder."


def read_hub_dataset(name: str, split: str | None) -> Iterator[SourceRow]:
    """The records of one split, `train` unless another is named. Raises: SourceError"""
    if not HUB_ID.fullmatch(name):
        raise SourceError(f"{name[:60]!r} is no id of a dataset, such as nvidia/HelpSteer2.")
    _require_library()
    from datasets import load_dataset  # an optional extra

    try:
        rows = load_dataset(name, split=split or "train", streaming=True)
        for number, record in enumerate(rows, start=1):
            yield SourceRow(number, record)
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SourceError(f"The dataset {name} can't be read from the hub: {reason}. {OTHERWISE}") from None


def _require_library() -> None:
    try:
        major = int(version("datasets").split(".")[0])
    except PackageNotFoundError:
        raise SourceError(
            f"Reading a dataset by its id needs the library datasets: pip install datasets. {OTHERWISE}"
        ) from None
    if major < OLDEST_MAJOR:
        raise SourceError(f"Reading a dataset by its id needs datasets {OLDEST_MAJOR} or newer. {OTHERWISE}")
