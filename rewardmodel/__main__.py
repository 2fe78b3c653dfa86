"""python -m rewardmodel train|evaluate|score RUN_DIR, and fetch-base OUT_DIR."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rewardmodel.runtime.process import EXIT_BAD_CONFIG, EXIT_DONE, EXIT_OUR_FAULT, keep_freed_memory, log_to_stderr


def main(argv: Sequence[str]) -> int:
    """The exit code of one command."""
    if argv[:1] == ["fetch-base"]:
        return fetch_base(argv[1:])
    return EXIT_BAD_CONFIG


def fetch_base(argv: Sequence[str]) -> int:
    """Put SmolLM2-135M-Instruct into a folder."""
    if len(argv) != 1:
        print("usage: python -m rewardmodel fetch-base OUT_DIR", file=sys.stderr)
        return EXIT_BAD_CONFIG
    # torch is loaded here and not above: the malloc settings must be in place before it.
    from rewardmodel.runtime.smollm2 import FetchError, fetch_base_model

    log_to_stderr()
    try:
        fetch_base_model(Path(argv[0]))
    except FetchError as error:
        print(error, file=sys.stderr)
        return EXIT_OUR_FAULT
    return EXIT_DONE


if __name__ == "__main__":
    keep_freed_memory()
    sys.exit(main(sys.argv[1:]))
