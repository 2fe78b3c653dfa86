"""Plain words for a disk that takes no more, whichever library met it. Standard library only."""

import errno
import re
from collections.abc import Iterator

_FULL = (errno.ENOSPC, errno.EDQUOT)
# safetensors and torch give the system's error as text alone; torch at times only that fewer bytes were taken.
_FULL_TEXT = re.compile(
    r"no space left on device|disk quota exceeded|\bos error (28|122)\b|PytorchStreamWriter failed writing"
    r"|unexpected pos \d+",
    re.IGNORECASE,
)
_TOO_LARGE_TEXT = re.compile(r"file too large|\bos error 27\b", re.IGNORECASE)
_READ_ONLY_TEXT = re.compile(r"read-only file system|\bos error 30\b", re.IGNORECASE)


def describe_storage_fault(error: BaseException) -> str:
    """What to do about a disk that did not take what was written; empty where the error says nothing of the kind.

    Errors that this one followed from count as well.
    """
    for each in _chain(error):
        number = each.errno if isinstance(each, OSError) else None
        text = str(each)
        if number in _FULL or _FULL_TEXT.search(text):
            return f"the disk is full: {each}; free some space and start again, the run goes on from its checkpoint"
        if number == errno.EFBIG or _TOO_LARGE_TEXT.search(text):
            return f"a file may not become as large as it must: {each}; raise the limit (ulimit -f) and start again"
        if number == errno.EROFS or _READ_ONLY_TEXT.search(text):
            return f"the run directory is on a read-only file system: {each}"
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
