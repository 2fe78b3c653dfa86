"""Which script modules a page needs: named in its head, they all come in one round of requests."""

import re
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders

_IMPORT = re.compile(r"""^import\s[^;]*?from\s+["']\./([\w-]+\.js)["'];""", re.MULTILINE | re.DOTALL)


@cache
def modules_of(entry: str) -> tuple[str, ...]:
    """Everything that the module imports, itself not included, as paths below the static folder."""
    found: dict[str, None] = {}
    waiting = [entry]
    while waiting:
        path = finders.find(waiting.pop())
        assert isinstance(path, str), "an import of ours names a file of ours"
        imported = [f"js/{name}" for name in _IMPORT.findall(Path(path).read_text())]
        waiting += [name for name in imported if name not in found]
        found |= dict.fromkeys(imported)
    return tuple(sorted(found))
