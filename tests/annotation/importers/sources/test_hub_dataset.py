"""Datasets by id: a clear sentence where they cannot be had."""

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from annotation.importers.sources import hub_dataset
from annotation.importers.sources.hub_dataset import read_hub_dataset
from annotation.importers.sources.opening import open_source
from annotation.importers.sources.row import SourceError


@pytest.mark.parametrize("name", ["../etc/passwd", "a/b/c", "http://a.example/b", "/etc/passwd", "a", ""])
def test_only_ids_are_looked_up(name: str) -> None:
    with pytest.raises(SourceError, match="no id of a dataset"):
        next(read_hub_dataset(name, None))


def test_without_the_library_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(hub_dataset, "version", find)
    with pytest.raises(SourceError, match="pip install datasets"):
        next(read_hub_dataset("nvidia/HelpSteer3", None))


def test_a_library_that_would_run_a_datasets_code_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_dataset, "version", lambda name: "3.6.0")
    with pytest.raises(SourceError, match="datasets 4 or newer"):
        next(read_hub_dataset("nvidia/HelpSteer3", None))


def test_what_lies_here_goes_before_an_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nvidia").mkdir()
    (tmp_path / "nvidia" / "HelpSteer3").write_bytes(b'{"a": 1}')
    with open_source("nvidia/HelpSteer3") as (rows, container):
        assert (container, [row.value for row in rows]) == ("JSON Lines", [{"a": 1}])
    with pytest.raises(SourceError, match=r"gone\.csv cannot be read"), open_source("gone.csv"):
        pass
