"""One set-up of each oracle. None of these tests may be skipped: an oracle that is missing is a failure."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rewardmodel.runtime.backbones import load_tokenizer

if TYPE_CHECKING:
    from tests.rltrainer.parity.trl_oracle import TrlGRPO


@pytest.fixture
def trl_grpo(base: Path, tmp_path: Path) -> "TrlGRPO":
    """TRL's GRPO over copies of the tiny model."""
    # TRL takes seconds to import: only the test process that compares with it should pay.
    from tests.rltrainer.parity.trl_oracle import TrlGRPO

    return TrlGRPO(load_tokenizer(base), tmp_path / "trl")
