"""The environment as the site reads it: typed, by name, and loud."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env


@pytest.mark.parametrize("text", ["eight", "1.5", "-1"])
def test_a_bad_number_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("WEB_THREADS", text)
    with pytest.raises(ImproperlyConfigured, match="WEB_THREADS"):
        env.read_int("WEB_THREADS", 8)


def test_a_word_that_is_neither_yes_nor_no_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCORD_FSYNC", "perhaps")
    with pytest.raises(ImproperlyConfigured, match="CONCORD_FSYNC must be yes or no"):
        env.read_bool("CONCORD_FSYNC", True)


def test_a_secret_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    assert env.read_text("SECRET_KEY") == "from-a-file"


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", "one")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(ImproperlyConfigured, match="both set"):
        env.read_text("SECRET_KEY")


def test_a_secret_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setenv("SECRET_KEY_FILE", "/nowhere/key")
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY_FILE cannot be read"):
        env.read_text("SECRET_KEY")


def test_only_secrets_come_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOG_LEVEL_FILE", "/nowhere/level")
    assert env.read_text("LOG_LEVEL", "INFO") == "INFO"


def test_a_database_url_becomes_settings() -> None:
    parsed = env.parse_database_url("postgresql://me:p%40ss@Db.example:6543/feedback?sslmode=require")
    expected = {"NAME": "feedback", "USER": "me", "PASSWORD": "p@ss", "HOST": "Db.example", "PORT": "6543"}
    assert expected.items() <= parsed.items()
    assert parsed["OPTIONS"] == {"sslmode": "require"}


def test_a_socket_folder_keeps_its_capitals() -> None:
    assert env.parse_database_url("postgresql://me@%2Ftmp%2FSocket-aB/name")["HOST"] == "/tmp/Socket-aB"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("sqlite:///db.sqlite3", "no other database"),
        ("mysql://me@host/name", "no other database"),
        ("postgresql://me@host", "names no database"),
        ("postgresql://me@host:port/name", "port"),
    ],
)
def test_a_useless_database_url_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=complaint):
        env.parse_database_url(url)


def test_a_database_from_outside_means_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONCORD_MODE")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@host/name")
    monkeypatch.delenv("CONCORD_EMBEDDED", raising=False)
    assert env.read_mode() == "production"
    monkeypatch.setenv("CONCORD_EMBEDDED", "postgres,valkey")
    assert env.read_mode() == "local"


def test_a_name_outside_the_table_cannot_be_read_or_set() -> None:
    with pytest.raises(KeyError):
        env.read_text("NOT_IN_THE_TABLE", "")
    with pytest.raises(KeyError, match="NOT_IN_THE_TABLE"):
        env.export({"NOT_IN_THE_TABLE": "1"})


def test_commands_know_where_the_running_site_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONCORD_VAR", str(tmp_path))
    for name in ("PORT", "SITE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert env.read_site_url() == "http://127.0.0.1:8000"
    assert env.is_site_url_guessed()
    (tmp_path / "site.lock").write_text("http://127.0.0.1:8003/")
    assert env.read_site_url() == "http://127.0.0.1:8003"
    assert not env.is_site_url_guessed()
    monkeypatch.setenv("SITE_URL", "https://concord.example.org/")
    assert env.read_site_url() == "https://concord.example.org"
