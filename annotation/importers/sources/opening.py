"""PURE. What a person names on the command line -> its rows: a file, standard input, a folder, or an id of the hub."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annotation.importers.sources.container import DATASET, SourceFile
from annotation.importers.sources.dataset_folder import read_dataset
from annotation.importers.sources.hub_dataset import HUB_ID, read_hub_dataset
from annotation.importers.sources.row import SourceError, SourceRow

STANDARD_INPUT = "-"


@contextmanager
def open_source(name: str, split: str | None = None) -> Iterator[tuple[Iterator[SourceRow], str]]:
    """The rows and the container. What lies on this machine goes before an id of the hub. Raises: SourceError"""
    path = Path(name)
    if name == STANDARD_INPUT:
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.seek(0)
            source = SourceFile(copy)
            yield source.rows(), source.container
    elif path.is_dir():
        yield read_dataset(path, split), DATASET
    elif not path.exists() and HUB_ID.fullmatch(name):
        yield read_hub_dataset(name, split), DATASET
    else:
        try:
            file = path.open("rb")
        except OSError as error:
            raise SourceError(f"{name} cannot be read: {error.strerror}.") from None
        with file:
            source = SourceFile(file)
            yield source.rows(), source.container
