"""Files of every container as numbered rows, in bounded memory."""

import gzip
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.importers.sources import json_rows
from annotation.importers.sources.container import CSV, JSON_LINES, JSON_LIST, PARQUET, SourceFile
from annotation.importers.sources.dataset_folder import read_dataset
from annotation.importers.sources.json_rows import read_json_list
from annotation.importers.sources.row import SourceError, SourceRow

RECORDS = [{"a": 1, "b": 'ü,\n"x"'}, {"a": 2, "b": None}]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def rows_of(data: bytes, **options: Any) -> list[SourceRow]:
    return list(SourceFile(io.BytesIO(data), **options).rows())


def parquet(records: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), file)
    return file.getvalue()


def gzipped(data: bytes) -> bytes:
    """Without the time of writing: these bytes are part of the tests' names, which every worker must find alike."""
    return gzip.compress(data, mtime=0)


LINES = b"\xef\xbb\xbf" + b"\n".join(json.dumps(record).encode() for record in RECORDS)


@pytest.mark.parametrize(
    ("data", "container"),
    [
        (LINES, JSON_LINES),
        (gzipped(LINES), JSON_LINES),
        (json.dumps(RECORDS, indent=1).encode(), JSON_LIST),
        (gzipped(json.dumps(RECORDS).encode()), JSON_LIST),
        (parquet(RECORDS), PARQUET),
    ],
)
def test_every_container_gives_the_same_records(data: bytes, container: str) -> None:
    file = SourceFile(io.BytesIO(data))
    rows = list(file.rows())
    assert (file.container, [row.value for row in rows], [row.number for row in rows]) == (container, RECORDS, [1, 2])
    assert 0 < file.bytes_read <= len(data)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_rows_are_numbered_by_the_line_they_begin_in(delimiter: str) -> None:
    text = f'a{delimiter}b\r\n1{delimiter}"two\nlines, ""q"""\r\n\r\n3{delimiter}\r\n'
    rows = rows_of(text.encode("utf-8-sig"))
    assert [(row.number, row.value) for row in rows] == [
        (2, {"a": "1", "b": 'two\nlines, "q"'}),
        (5, {"a": "3", "b": ""}),
    ]
    assert SourceFile(io.BytesIO(text.encode())).container == CSV


@given(st.lists(st.dictionaries(st.text(max_size=3), json_values, max_size=3), max_size=5), st.integers(1, 30))
def test_a_json_list_is_read_the_same_at_any_chunk_size(records: list[dict[str, Any]], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_rows, "CHUNK_BYTES", size)
        rows = list(read_json_list(io.BytesIO(json.dumps(records, ensure_ascii=False).encode())))
    assert [row.value for row in rows] == records


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'[{"a": 1}, {"a": ', "Item 2 is not valid JSON"),
        (b'[{"a": 1} {"a": 2}]', "Expected a comma"),
        (b'[{"a": 1}] x', "follows the end"),
        (b"[" * 100_000, "nested too deep"),
        (b'[{"a": "\xff"}]', "Not UTF-8"),
        (b'a,b\n1,"open\n', "Line 2 is not CSV"),
        (b"a,a\n1,2\n", "'a' twice"),
        (b"a,\n1,2\n", "no name"),
        (b"a,b\n\xff,2\n", "Line 2 is not UTF-8"),
        (b"PAR1 and nothing else", "Parquet file can't be read"),
        (gzipped(LINES)[:-9], "damaged or cut off"),
        (b"\x1f\x8b garbage", "gzip file is damaged"),
        (b"GIF89a\0\0", "no text"),
        (gzipped(parquet(RECORDS)), "Unpack the Parquet"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(data: bytes, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        rows_of(data)


def test_rows_with_faults_are_numbered_and_others_still_read() -> None:
    rows = rows_of(b'{"a": 1}\n[1]\n{oops\n{"a": NaN}\n{"a": 2}')
    assert [(row.number, bool(row.fault)) for row in rows] == [(1, False), (2, True), (3, True), (4, True), (5, False)]
    rows = rows_of(b'[1, {"a": NaN}, {"a": 2}]')
    assert [(row.number, bool(row.fault)) for row in rows] == [(1, True), (2, True), (3, False)]
    assert [row.fault for row in rows_of(b"a,b\n1\n1,2\n")] == ["has 1 cells, the header names 2 columns", ""]


def test_a_gzip_bomb_ends_in_little_memory() -> None:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as bomb:
        bomb.write(b'{"a": 1}\n')
        for _ in range(100):
            bomb.write(b" " * 1024 * 1024)
    packed.seek(0)
    tracemalloc.start()
    with pytest.raises(SourceError, match="250 times"):
        list(SourceFile(packed).rows())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50 * 1024 * 1024


def test_unpacked_size_is_bounded() -> None:
    with pytest.raises(SourceError, match="unpacks to more than 1 MiB"):
        rows_of(gzip.compress(LINES + b"\n" * 2 * 1024 * 1024), most_unpacked=1024 * 1024)


def test_a_dataset_folder_is_read_by_split(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001"):
        (tmp_path / "data" / f"{name}.parquet").write_bytes(parquet([{"name": name}]))
    rows = list(read_dataset(tmp_path, "train"))
    assert [(row.number, row.value) for row in rows] == [
        (1, {"name": "train-00000-of-00002"}),
        (2, {"name": "train-00001-of-00002"}),
    ]
    with pytest.raises(SourceError, match="several splits; name one with --split: test, train"):
        list(read_dataset(tmp_path))
    with pytest.raises(SourceError, match="no dataset"):
        list(read_dataset(tmp_path / "data" / "none"))


def test_a_dataset_saved_to_disk_is_read(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(RECORDS)
    with (
        pa.OSFile(str(tmp_path / "data-00000-of-00001.arrow"), "wb") as file,
        pa.ipc.new_stream(file, table.schema) as out,
    ):
        out.write_table(table)
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}')
    assert [row.value for row in read_dataset(tmp_path)] == RECORDS
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "../../etc/passwd"}]}')
    with pytest.raises(SourceError, match=r"passwd is missing or no Arrow"):
        list(read_dataset(tmp_path))
