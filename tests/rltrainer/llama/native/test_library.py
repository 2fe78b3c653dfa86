import logging
import platform
import shutil
import subprocess

import pytest

from rltrainer.llama.native import library


@pytest.fixture(autouse=True)
def search_anew():
    library.find_library.cache_clear()
    yield
    library.find_library.cache_clear()


@pytest.mark.parametrize("name", ["no-such-compiler", "/no/such/compiler -m64"])
def test_without_a_compiler_it_says_so_once(monkeypatch, caplog, name):
    monkeypatch.setenv("CC", name)
    with caplog.at_level(logging.INFO):
        assert library.find_library() is None
        assert library.find_library() is None
    (record,) = caplog.records
    assert record.getMessage().endswith(f"would be faster: there is no C compiler called {name.split()[0]}")


def test_a_name_that_is_no_command_is_told_of(monkeypatch, caplog):
    monkeypatch.setenv("CC", "'cc")
    with caplog.at_level(logging.INFO):
        assert library.find_library() is None
    assert "No closing quotation" in caplog.text


@pytest.mark.skipif(shutil.which("cc") is None, reason="this machine has no C compiler")
def test_what_the_compiler_complains_of_is_told(monkeypatch, caplog, tmp_path):
    source = tmp_path / "wrong.c"
    source.write_text('#error "this processor lacks something"\n')
    monkeypatch.setattr(library, "SOURCE", source)
    with caplog.at_level(logging.INFO):
        assert library.find_library() is None
    assert "this processor lacks something" in caplog.text


def test_a_compiler_that_cannot_be_run_is_told_of(monkeypatch, caplog, tmp_path):
    compiler = tmp_path / "cc"
    compiler.write_bytes(b"\x00not a program")
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    with caplog.at_level(logging.INFO):
        assert library.find_library() is None
    assert "which would be faster" in caplog.text


def test_no_folder_is_left(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    library.find_library()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_stays_costs_no_kernels(monkeypatch, tmp_path):
    # As on a network's file system, where a library in use stays under another name.
    expected = library.find_library()
    library.find_library.cache_clear()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def refuse(*given, **named):
        raise OSError("Directory not empty")

    with monkeypatch.context() as patch:
        patch.setattr("os.rmdir", refuse)
        assert (library.find_library() is None) is (expected is None)


@pytest.mark.skipif(
    shutil.which("cc") is None or platform.machine() != "x86_64", reason="this machine has no C compiler for x86-64"
)
def test_the_source_is_without_reproach_on_processors_that_cannot_run_it_too():
    wide = [f"-mavx512{part}" for part in ("f", "bw", "dq", "vl", "bf16")]
    command = ["cc", "-fsyntax-only", "-O2", "-Wall", "-Wextra", "-Werror", *wide, "-mfma", "-fopenmp"]
    checked = subprocess.run([*command, str(library.SOURCE)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
