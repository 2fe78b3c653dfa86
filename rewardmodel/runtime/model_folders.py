"""Whether a folder can be a model's at all, told before torch is loaded. Standard library only."""

from pathlib import Path

from rewardmodel.config_parsing import ConfigError


def require_model_folder(folder: Path, *, key: str = "model") -> None:
    """Raises: ConfigError, beginning with the config's `key`, where there is no folder or no config.json in it."""
    if not folder.is_dir():
        why = "there is no such folder; a path that is not absolute counts from the run directory"
        raise ConfigError([f"{key}: {folder} is not a model folder ({why})"])
    if not (folder / "config.json").is_file():
        raise ConfigError([f"{key}: {folder} is not a model folder (it has no config.json)"])
