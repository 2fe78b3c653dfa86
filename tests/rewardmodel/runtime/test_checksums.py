import zlib
from pathlib import Path

import pytest

from rewardmodel.runtime.checksums import CHUNK_BYTES, Checksums, checksum


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 5])
def test_a_checksum_is_that_of_the_whole_file(tmp_path: Path, size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    (tmp_path / "file").write_bytes(data)
    assert checksum(tmp_path / "file") == f"{zlib.crc32(data):08x}"


def test_files_are_told_by_their_names(tmp_path: Path) -> None:
    # The check value of CRC-32 that its catalogues list.
    (tmp_path / "known").write_text("123456789")
    (tmp_path / "empty").touch()
    with Checksums() as checksums:
        checksums.add(tmp_path / "known")
        checksums.add(tmp_path / "empty")
        assert checksums.values() == {"known": "cbf43926", "empty": "00000000"}


def test_a_file_that_is_gone_ends_in_its_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), Checksums() as checksums:
        checksums.add(tmp_path / "absent")
