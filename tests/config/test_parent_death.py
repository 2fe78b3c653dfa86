import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.running_site import ROOT, wait_until

CHILD = """
import signal, time
from config.parent_death import end_after_parent
signal.signal(signal.SIGTERM, signal.SIG_IGN)
end_after_parent(grace_seconds=0.2)
print("ready", flush=True)
time.sleep(600)
"""
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")
def test_a_process_that_hears_no_signal_ends_after_its_parent() -> None:
    command = [sys.executable, "-c", PARENT, CHILD]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(1.5)
        assert _lives(child)
        parent.kill()
    wait_until(lambda: not _lives(child))
