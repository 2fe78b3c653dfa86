"""PURE. Which ids a file has had so far, in twelve bytes an id instead of a hundred."""

from hashlib import blake2b

import numpy as np

RECENT_IDS = 20_000
"""As many ids wait in a dictionary before they are sorted in with the others."""


class SeenIds:
    """Remembers ids by a 64-bit digest; among a million ids the chance of one false repeat is 3e-8."""

    def __init__(self) -> None:
        self._recent: dict[int, int] = {}
        self._digests = np.empty(0, dtype=np.uint64)
        self._lines = np.empty(0, dtype=np.uint32)

    def first_line(self, name: str, line: int) -> int:
        """The line in which the id stood first: `line` itself when it is new."""
        digest = int.from_bytes(blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest())
        if (known := self._recent.get(digest)) is not None:
            return known
        if len(self._digests):
            place = int(self._digests.searchsorted(np.uint64(digest)))
            if place < len(self._digests) and int(self._digests[place]) == digest:
                return int(self._lines[place])
        self._recent[digest] = line
        if len(self._recent) >= RECENT_IDS:
            self._sort_in()
        return line

    def _sort_in(self) -> None:
        digests = np.concatenate([self._digests, np.fromiter(self._recent, dtype=np.uint64)])
        lines = np.concatenate([self._lines, np.fromiter(self._recent.values(), dtype=np.uint32)])
        order = np.argsort(digests)
        self._digests, self._lines = digests[order], lines[order]
        self._recent = {}
