import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.running_site import ROOT
from tests.waiting import is_alive, wait_until

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


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")
def test_a_process_that_hears_no_signal_ends_after_its_parent() -> None:
    command = [sys.executable, "-c", PARENT, CHILD]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(1.5)
        assert is_alive(child)
        parent.kill()
    wait_until(lambda: not is_alive(child))
