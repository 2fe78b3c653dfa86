"""Written jobs, read by verl's own config classes."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from rltrainer.__main__ import main
from tests.rltrainer.parity.verl_oracle import ORACLES
from tests.rltrainer.run_folder import ROOT, make_run
from tests.rltrainer.verl.test_export import VARIANTS, job_config

READERS = ("hydra", "omegaconf")
LOSS_MODES = {"cispo": "cispo", "gspo": "gspo"}


def test_verls_classes_take_every_job(base, tmp_path):
    missing = [name for name in READERS if importlib.util.find_spec(name) is None and not (ORACLES / name).is_dir()]
    assert not missing, f"{ORACLES} lacks {', '.join(missing)}, with which verl reads its config: run `make setup`"
    jobs = []
    for name, (kind, sections) in VARIANTS.items():
        folder = make_run(tmp_path / name, job_config(base, kind, **sections))
        assert main(["export-verl", str(folder)]) == 0
        jobs.append(str(folder / "verl"))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("verl_classes.py")), str(ORACLES / "verl/trainer/config"), *jobs],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ORACLES), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(found) == len(jobs)
    for name, read in zip(VARIANTS, found, strict=True):
        assert read["classes"][:4] == ["FSDPActorConfig", "RolloutConfig", "HFModelConfig", "AlgoConfig"]
        assert read["classes"][4:] == (["FSDPCriticConfig"] if name == "ppo" else [])
        assert (read["learning_rate"], read["strategy"], read["group_size"]) == (3e-3, "fsdp2", 4)
        assert read["loss_mode"] == LOSS_MODES.get(name, "vanilla")
