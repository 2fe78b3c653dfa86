"""A trainer in miniature that keeps the contract of docs/run-directory.md: steps, metrics, checkpoints, cancel, resume.

`python fake_trainer.py RUN_DIR [steps=6] [seconds=0.05] [exit=0] [stubborn=1] ...`; `starts.log` keeps what it did.
"""

import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

CHECKPOINT_STEPS = 2


class FakeTrainer:
    def __init__(self, root: Path, wishes: dict[str, str]) -> None:
        self.root = root
        self.steps = int(wishes.get("steps", "6"))
        self.seconds = float(wishes.get("seconds", "0.05"))
        self.exit_code = int(wishes.get("exit", "0"))
        self.stubborn = "stubborn" in wishes
        self.kill_self_at = int(wishes.get("kill_self_at", "0"))
        self.stopping = False
        self.step = 0
        self.checkpoint: int | None = None

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self._stop)
        lock = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT)
        self._note("start")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._note("double")
            return 75
        self._resume()
        while self.step < self.steps:
            if code := self._do_step():
                return code
        self._say("succeeded")
        (self.root / "model").mkdir(exist_ok=True)
        (self.root / "model" / "config.json").write_text("{}")
        (self.root / "model" / "model.safetensors").write_text(f"weights after {self.step} steps")
        (self.root / "result.json").write_text(json.dumps(RESULT))
        return 0

    def _do_step(self) -> int:
        time.sleep(self.seconds)
        self.step += 1
        self._append("metrics.jsonl", {"step": self.step, "time": time.time(), "values": {"loss": 1 / self.step}})
        self._append(
            "samples.jsonl",
            {"step": self.step, "prompt_id": "1", "prompt": [], "response": "r", "reward": 0.1, "source": "policy"},
        )
        if self.step == self.kill_self_at and not self._resumed():
            os.kill(os.getpid(), signal.SIGKILL)
        is_asked = self.stopping or (self.root / "cancel").exists()
        if self.step % CHECKPOINT_STEPS == 0 or (is_asked and not self.stubborn):
            self.checkpoint = self.step
            (self.root / "checkpoint.json").write_text(json.dumps(self.step))
        self._say("running")
        if is_asked and not self.stubborn:
            self._say("cancelled", "stopped")
            return 130
        if self.exit_code and self.step == 3:
            self._say("failed", "line 3 of train.jsonl has no prompt")
            return self.exit_code
        return 0

    def _resume(self) -> None:
        path = self.root / "checkpoint.json"
        if not path.exists():
            return
        self.step = self.checkpoint = json.loads(path.read_text())
        self._note(f"resume {self.step}")
        for name in ("metrics.jsonl", "samples.jsonl"):
            lines = [
                line for line in (self.root / name).read_text().splitlines() if json.loads(line)["step"] <= self.step
            ]
            (self.root / f"{name}.new").write_text("".join(f"{line}\n" for line in lines))
            (self.root / f"{name}.new").replace(self.root / name)

    def _resumed(self) -> bool:
        return "resume" in (self.root / "starts.log").read_text()

    def _say(self, state: str, reason: str = "") -> None:
        status = {
            "schema": 1,
            "state": state,
            "phase": "train",
            "step": self.step,
            "total_steps": self.steps,
            "reason": reason,
            "pid": os.getpid(),
            "checkpoint_step": self.checkpoint,
        }
        (self.root / "status.new").write_text(json.dumps(status))
        (self.root / "status.new").replace(self.root / "status.json")

    def _append(self, name: str, row: dict[str, Any]) -> None:
        with (self.root / name).open("a") as file:
            file.write(json.dumps(row) + "\n")

    def _note(self, what: str) -> None:
        with (self.root / "starts.log").open("a") as file:
            file.write(f"{what} {os.getpid()}\n")

    def _stop(self, *signal_details: Any) -> None:
        self.stopping = True


RESULT = {
    "kind": "reward",
    "accuracy": {"value": 0.7, "low": 0.6, "high": 0.8, "n": 100},
    "longer_wins": {"value": 0.55, "low": 0.5, "high": 0.6, "n": 100},
    "human_ceiling": {"value": 0.74},
}

if __name__ == "__main__":
    sys.exit(FakeTrainer(Path(sys.argv[1]), dict(item.partition("=")[::2] for item in sys.argv[2:])).run())
