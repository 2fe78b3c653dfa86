"""Acquire and submit over raw asyncio connections: the loop of the peers' client, spoken in this product's protocol.

    python benchmarks/annotate_loop.py --peer FOLDER --base URL --project SLUG --tokens FILE -c 8 --duration 12

FOLDER holds `bench_common.py`, the connection that the peers' clients use, so that both are driven by the same code. A
submit carries the lease token that acquire gave and a key of its own, which the peers' protocol has no place for.
Prints one JSON line; anything but an expected answer is counted in `errors`.
"""

import argparse
import asyncio
import json
import sys
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

JSON = ("Content-Type", "application/json")


class Annotators:
    """Some annotators at once, each with a token and a connection."""

    def __init__(self, connect: Any, base: str, project: str, tokens: list[str], seconds: float) -> None:
        self.connect, self.base, self.project, self.tokens, self.seconds = connect, base, project, tokens, seconds
        self.loops: list[float] = []
        self.errors: Counter[str] = Counter()

    async def run(self) -> float:
        """Everybody works until the time is over; seconds that passed."""
        start = time.perf_counter()
        await asyncio.gather(*(self._work(token, start + self.seconds) for token in self.tokens))
        return time.perf_counter() - start

    async def _work(self, token: str, deadline: float) -> None:
        connection = self.connect(self.base)
        headers = [("Authorization", f"Bearer {token}"), JSON]
        while time.perf_counter() < deadline and await self._loop(connection, headers):
            pass
        connection.close()

    async def _loop(self, connection: Any, headers: list[tuple[str, str]]) -> bool:
        """One task; False when there is none left."""
        start = time.perf_counter()
        path = f"/api/v1/projects/{self.project}/acquire"
        status, _, body, _ = await connection.request("POST", path, headers, b"{}")
        acquired = time.perf_counter() - start
        if status != 200:
            self.errors[f"acquire {status}"] += 1
            return True
        work = json.loads(body)
        if work["task"] is None:
            self.errors[f"nothing to do: {work['reason']}"] += 1
            return False
        answer = {"tiers": [[letter] for letter in work["task"]["shown_order"]], "active_ms": 12_500}
        sent = json.dumps({"lease_token": work["lease"]["token"], "answer": answer}).encode()
        start = time.perf_counter()
        path = f"/api/v1/tasks/{work['task']['id']}/judgments"
        keyed = [*headers, ("Idempotency-Key", uuid.uuid4().hex)]
        status, _, body, _ = await connection.request("POST", path, keyed, sent)
        if status == 201:
            self.loops.append(acquired + time.perf_counter() - start)
        else:
            self.errors[f"submit {status}: {body[:200]!r}"] += 1
        return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, required=True, help="folder with bench_common.py")
    parser.add_argument("--base", required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--tokens", type=Path, required=True)
    parser.add_argument("-c", type=int, default=8)
    parser.add_argument("--duration", type=float, default=12.0)
    given = parser.parse_args()
    sys.path.insert(0, str(given.peer))
    from bench_common import Conn, lat

    tokens = given.tokens.read_text().split()[: given.c]
    annotators = Annotators(Conn, given.base, given.project, tokens, given.duration)
    seconds = asyncio.run(annotators.run())
    figures = {"c": given.c, "ann_per_s": round(len(annotators.loops) / seconds, 2), "loop": lat(annotators.loops)}
    print(json.dumps({**figures, "annotations": len(annotators.loops), "errors": annotators.errors}))


if __name__ == "__main__":
    main()
