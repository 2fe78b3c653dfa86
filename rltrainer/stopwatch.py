"""Seconds spent in the parts of a step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up the seconds of named parts."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time the block under this name."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin

    def values(self) -> dict[str, float]:
        """Seconds of each part and of the whole step so far, as `seconds_<part>` and `seconds_step`."""
        parts = {f"seconds_{name}": seconds for name, seconds in self.seconds.items()}
        return {**parts, "seconds_step": time.perf_counter() - self.started}
