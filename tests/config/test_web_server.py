import os
import subprocess
import sys

import pytest

from config.web_server import share_of_processors
from tests.running_site import ROOT

KEEP = """
import os, threading
from config.web_server import load_on, share_of_processors
def load():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
    thread.start(); thread.join()
    return seen[0]
share = share_of_processors(1, 2)
print(load_on(share, load) == share)
"""


@pytest.mark.parametrize(
    ("processors", "processes", "shares"),
    [
        ({0, 1}, 2, [{0}, {1}]),
        ({2, 3, 5, 7, 8}, 2, [{2, 5, 8}, {3, 7}]),
        ({4}, 2, [{4}, {4}]),
        ({0, 1}, 3, [{0}, {1}, {0}]),
        ({0, 1, 2}, 1, [{0, 1, 2}]),
    ],
)
def test_processes_share_the_processors(
    processors: set[int], processes: int, shares: list[set[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: processors)
    assert [share_of_processors(number, processes) for number in range(processes)] == shares


def test_a_process_keeps_to_its_share_with_all_its_threads() -> None:
    said = subprocess.run([sys.executable, "-c", KEEP], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "True"
