import json
import subprocess
import sys
from pathlib import Path

import pytest

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.model_folders import require_model_folder

ROOT = Path(__file__).parents[3]
RUNS = [
    (
        "rltrainer",
        "train",
        {"kind": "grpo", "model": {"path": "gone"}, "reward": {"brevity_weight": 1.0}},
        "model.path",
    ),
    ("rltrainer", "train", {"kind": "sft", "model": {"path": "gone"}}, "model.path"),
    ("rltrainer", "train", {"kind": "dpo", "model": {"path": "there", "reference": "gone"}}, "model.reference"),
    ("rltrainer", "sample", {"kind": "sample", "model": {"path": "gone"}}, "model.path"),
    ("rewardmodel", "train", {"kind": "reward", "model": {"base": "gone"}}, "model.base"),
    ("rewardmodel", "score", {"kind": "score", "model": {"folder": "gone"}}, "model.folder"),
    ("rewardmodel", "evaluate", {"kind": "reward-evaluate", "model": {"folder": "gone"}}, "model.folder"),
]
CHECK = """
import sys
from importlib import import_module
code = import_module(sys.argv[1] + ".__main__").main(sys.argv[2:])
print(code, "torch" in sys.modules)
"""


def test_a_folder_that_is_no_model_is_named_by_the_key_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^model\.path: .*gone is not a model folder \(there is no such folder;"):
        require_model_folder(tmp_path / "gone", key="model.path")
    with pytest.raises(ConfigError, match=r"^critic\.path: .* is not a model folder \(it has no config\.json\)"):
        require_model_folder(tmp_path, key="critic.path")
    (tmp_path / "config.json").write_text("{}")
    require_model_folder(tmp_path)


@pytest.mark.parametrize(("program", "command", "config", "key"), RUNS)
def test_every_command_names_an_absent_folder_before_it_loads_torch(
    tmp_path: Path, program: str, command: str, config: dict[str, object], key: str
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "config.json").write_text("{}")
    (tmp_path / "config.json").write_text(json.dumps(config))
    done = subprocess.run(
        [sys.executable, "-c", CHECK, program, command, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "2 False\n", done.stderr
    reason = json.loads((tmp_path / "status.json").read_text())["reason"]
    assert reason.startswith(f"bad config: {key}: {tmp_path / 'gone'} is not a model folder")
