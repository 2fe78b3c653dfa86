"""Our kernels in C, compiled by the machine's own compiler for its own processor at their first use (docs/adr/0020).

Where that cannot be, torch's operations do the same work more slowly; the log says so once, and why.
"""

import ctypes
import logging
import os
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

SOURCE = Path(__file__).with_name("decode.c")
FLAGS = (
    "-O3",
    "-march=native",
    "-fopenmp",
    # Sums may be made in any order, but what is not a number stays so.
    "-fassociative-math",
    "-fno-signed-zeros",
    "-fno-trapping-math",
    "-fno-math-errno",
    "-shared",
    "-fPIC",
)
COMPILE_SECONDS = 60.0
"""More than a compiler takes on a busy machine."""
log = logging.getLogger(__name__)


@cache
def find_library() -> ctypes.CDLL | None:
    """The compiled kernels; None, told once in the log, where this machine cannot have them.

    `CC` names another compiler than `cc`, as for make; where there is none of that name, none is used.
    """
    try:
        with TemporaryDirectory(prefix="concord-kernels-", ignore_cleanup_errors=True) as folder:
            file = Path(folder) / "kernels.so"
            _compile(file)
            # Once loaded it stays, whatever becomes of the file.
            return ctypes.CDLL(str(file))
    except subprocess.CalledProcessError as error:
        reason = _first_error(error.stderr)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    log.info("decoding goes without its kernels in C, which would be faster: %s", reason)
    return None


def _compile(file: Path) -> None:
    """Raises: OSError without a compiler, ValueError where `CC` is no command, CalledProcessError where it fails."""
    compiler, *own_flags = shlex.split(os.environ.get("CC", "")) or ["cc"]
    path = shutil.which(compiler)
    if path is None:
        raise FileNotFoundError(f"there is no C compiler called {compiler}")
    command = [path, *own_flags, *FLAGS, "-o", str(file), str(SOURCE), "-lm"]
    subprocess.run(command, check=True, capture_output=True, text=True, errors="replace", timeout=COMPILE_SECONDS)


def _first_error(text: str) -> str:
    """What a compiler complains of first."""
    lines = text.splitlines()
    return next((line for line in lines if "error" in line), lines[0] if lines else "the compiler failed")
