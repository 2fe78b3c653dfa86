"""The terminal of `make run` stays readable, and nothing that was printed is lost."""

from pathlib import Path

import pytest

from config import process_log
from config.process_log import ProcessLog, concerns_a_person

STAMP = "2026-11-23T02:01:15.251196Z"


@pytest.mark.parametrize(
    "line",
    [
        f"{STAMP} [info     ] Connected to redis://:**@127.0.0.1:1/0 [celery.worker.consumer.connection]",
        f"{STAMP} [info     ] task_enqueued                  [django_structlog.celery.receivers] routing_key=gpu",
        "[INFO] Listening at: http://127.0.0.1:8941",
        "worker: Warm shutdown (MainProcess)",
        "worker: Hitting Ctrl+C again will terminate all running tasks!",
        "",
    ],
)
def test_libraries_talk_stays_in_the_file(line: str) -> None:
    assert not concerns_a_person(line)


@pytest.mark.parametrize(
    "line",
    [
        f"{STAMP} [info     ] reward run 3 started, attempt 1 of 3 [trainingruns.supervisor]",
        f"{STAMP} [warning  ] Not Found: /nowhere [django.request]",
        f"{STAMP} [error    ] consumer: Cannot connect [celery.worker.consumer.consumer]",
        "[WARNING] Worker-1 did not stop in time",
        "Traceback (most recent call last):",
        '  File "config/site.py", line 1, in <module>',
    ],
)
def test_faults_and_our_own_words_are_shown(line: str) -> None:
    assert concerns_a_person(line)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProcessLog:
    monkeypatch.setenv("CONCORD_VAR", str(tmp_path))
    return ProcessLog("worker")


def test_every_line_is_kept_and_some_are_shown(log: ProcessLog, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{STAMP} [info     ] worker@vm ready. [celery.apps.worker]", f"{STAMP} [warning  ] low disk [x]"]
    for line in lines:
        log.take(line)
    assert log.path.read_text().splitlines() == lines
    assert capsys.readouterr().out == f"worker    | {lines[1]}\n"


def test_a_log_that_grew_long_makes_room(log: ProcessLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_log, "LOG_BYTES", 20)
    for line in ("the first fifteen", "the second", "the third"):
        log.take(line)
    assert log.path.with_suffix(".log.1").read_text() == "the first fifteen\nthe second\n"
    assert log.path.read_text() == "the third\n"
