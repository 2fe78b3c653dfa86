"""PURE. Parquet and Arrow files as rows; a small batch at a time is in memory."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import IO, TYPE_CHECKING, Any

from annotation.importers.json_line import DEEPEST_NESTING, nested_deeper
from annotation.importers.sources.row import SourceError, SourceRow

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET_MAGIC = b"PAR1"
BATCH_ROWS = 64
LARGEST_BATCH_BYTES = 256 * 1024**2
"""A dictionary of one long text can stand for any number of rows, so what a batch unpacks to is looked at."""


def read_parquet(file: IO[bytes], *, first: int = 1) -> Iterator[SourceRow]:
    """A row a record, numbered from `first`. The file must be seekable. Raises: SourceError"""
    import pyarrow as pa  # here, for the library takes longer to load than most files to read
    import pyarrow.parquet as pq

    try:
        batches = pq.ParquetFile(file, pre_buffer=False).iter_batches(batch_size=BATCH_ROWS)
        yield from _rows(batches, first)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"The Parquet file can't be read: {_one_line(error)}") from None


def read_arrow_stream(file: IO[bytes], *, first: int = 1) -> Iterator[SourceRow]:
    """The same of a file as `datasets` saves it to disk."""
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(file) as batches:
            small = (batch.slice(start, BATCH_ROWS) for batch in batches for start in range(0, len(batch), BATCH_ROWS))
            yield from _rows(small, first)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"The Arrow file can't be read: {_one_line(error)}") from None


def _rows(batches: Iterable["pa.RecordBatch"], first: int) -> Iterator[SourceRow]:
    number = first
    for batch in batches:
        if batch.nbytes > LARGEST_BATCH_BYTES:
            raise SourceError(f"Records {number} to {number + len(batch) - 1} unpack to {batch.nbytes:,} bytes.")
        for value in batch.to_pylist():
            yield _as_row(number, value)
            number += 1


def _as_row(number: int, value: dict[str, Any]) -> SourceRow:
    if nested_deeper(value, DEEPEST_NESTING):
        return SourceRow(number, None, f"nested more than {DEEPEST_NESTING} levels deep")
    return SourceRow(number, {name: _as_json(item) for name, item in value.items()})


def _as_json(value: Any) -> Any:
    """The value as JSON would hold it: times as text; the nesting was bounded before."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {name: _as_json(item) for name, item in value.items()}
    return value


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
