"""How fast people can be served: acquire and submit over the API, by many annotators at once, against a running site.

    python benchmarks/annotate.py --token-file tokens.txt --project load --annotators 8 --loops 400

One loop is an acquire and a submit, over one kept-open connection an annotator. Prints one JSON line. Only for sites on
this machine, and bounded in time and number, so that it cannot be turned on somebody else's by mistake.
"""

import argparse
import ipaddress
import itertools
import json
import socket
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

MOST_ANNOTATORS = 64
MOST_LOOPS = 100_000
MOST_SECONDS = 300.0


class BenchmarkError(RuntimeError):
    """The site did not answer as it should; the figures would mean nothing."""


@dataclass
class Client:
    """One annotator with one kept-open connection. It shares the machine with the site, so it does no more than HTTP
    asks of it: writes a request, reads head and body of the answer by its Content-Length."""

    host: str
    port: int
    token: str
    connection: socket.socket | None = None

    def post(self, path: str, body: object, **headers: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a POST."""
        payload = orjson.dumps(body)
        head = f"POST /api/v1/{path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
        head += f"Authorization: Bearer {self.token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if self.connection is None:
            self.connection = socket.create_connection((self.host, self.port), timeout=30)
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.sendall(head.encode() + b"\r\n" + payload)
        status, is_last, answer = self._read(self.connection)
        if is_last:
            self.close()
        return status, orjson.loads(answer or b"{}")

    def _read(self, connection: socket.socket) -> tuple[int, bool, bytes]:
        """Status, whether the site closes the connection now, and body."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        lower = head.lower()
        length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += self._receive(connection)
        return int(head[9:12]), b"connection: close" in lower, body

    def _receive(self, connection: socket.socket) -> bytes:
        chunk = connection.recv(1 << 18)
        if not chunk:
            raise ConnectionResetError("the site closed the connection in mid-answer")
        return chunk

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


@dataclass
class Timings:
    """Seconds of every request of one repeat."""

    acquire: list[float] = field(default_factory=list)
    submit: list[float] = field(default_factory=list)


def annotate(
    client: Client,
    project: str,
    loops: int,
    deadline: float,
    timings: Timings,
    pauses: Iterator[float] | None = None,
) -> None:
    """Judges up to `loops` tasks, or until the deadline or the end of the work.

    pauses: seconds from the start of one loop to that of the next, none where not given; whoever is late goes on at
    once.
    """
    begin = time.monotonic()
    for pause in itertools.islice(pauses or itertools.repeat(0.0), loops):
        time.sleep(max(0.0, begin - time.monotonic()))
        begin += pause
        if time.monotonic() > deadline:
            return
        start = time.perf_counter()
        status, work = client.post(f"projects/{project}/acquire", {})
        acquired = time.perf_counter()
        if status != 200:
            raise BenchmarkError(f"acquire answered {status}: {work}")
        if work["task"] is None:
            return
        answer = {"lease_token": work["lease"]["token"], "answer": build_answer(work["task"])}
        path = f"tasks/{work['task']['id']}/judgments"
        status, reply = client.post(path, answer, **{"Idempotency-Key": uuid.uuid4().hex})
        if status != 201:
            raise BenchmarkError(f"submit answered {status}: {reply}")
        timings.acquire.append(acquired - start)
        timings.submit.append(time.perf_counter() - acquired)


def build_answer(task: dict[str, object]) -> dict[str, object]:
    """An answer that fits: the shown order for a ranking, the lowest value of each scale for scores."""
    letters: list[str] = task["shown_order"]  # type: ignore[assignment]
    criteria: list[dict[str, object]] = task["criteria"]  # type: ignore[assignment]
    if task["kind"] == "ranking":
        return {"tiers": [[letter] for letter in letters], "active_ms": 1000}
    return {"scores": {each["name"]: dict.fromkeys(letters, each["minimum"]) for each in criteria}, "active_ms": 1000}


def measure(clients: list[Client], project: str, loops: int, seconds: float) -> dict[str, float]:
    """One repeat: all annotators at once."""
    timings = [Timings() for _ in clients]
    faults: list[BaseException] = []

    def work(client: Client, own: Timings) -> None:
        try:
            annotate(client, project, loops, time.monotonic() + seconds, own)
        except (BenchmarkError, OSError, ValueError) as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(clients, timings, strict=True)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - start
    if faults:
        raise BenchmarkError(str(faults[0])) from faults[0]
    return summarize(timings, elapsed)


def summarize(timings: list[Timings], elapsed: float) -> dict[str, float]:
    """Loops a second, and milliseconds that half and 99 in 100 of the requests stayed under."""
    acquire = [value for each in timings for value in each.acquire]
    loop = [sum(pair) for each in timings for pair in zip(each.acquire, each.submit, strict=True)]
    submit = [value for each in timings for value in each.submit]
    if len(acquire) < 2:
        raise BenchmarkError("There was no work left; import more tasks.")
    return {
        "loops": len(acquire),
        "loops_per_second": len(acquire) / elapsed,
        "loop_p50_ms": percentile(loop, 50) * 1000,
        "loop_p99_ms": percentile(loop, 99) * 1000,
        "acquire_p50_ms": percentile(acquire, 50) * 1000,
        "acquire_p99_ms": percentile(acquire, 99) * 1000,
        "submit_p50_ms": percentile(submit, 50) * 1000,
        "submit_p99_ms": percentile(submit, 99) * 1000,
    }


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def spread(repeats: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Minimum, median and maximum over the repeats, by figure."""
    return {
        name: {
            "min": round(min(each[name] for each in repeats), 2),
            "median": round(statistics.median(each[name] for each in repeats), 2),
            "max": round(max(each[name] for each in repeats), 2),
        }
        for name in repeats[0]
    }


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="a site on this machine")
    parser.add_argument("--token-file", type=Path, required=True, help="API tokens, one a line, one an annotator")
    parser.add_argument("--project", required=True, metavar="SLUG")
    parser.add_argument("--annotators", type=int, default=1, help=f"at once, at most {MOST_ANNOTATORS}")
    parser.add_argument("--loops", type=int, default=200, help="tasks each annotator judges in a repeat")
    parser.add_argument("--seconds", type=float, default=30.0, help="longest time of a repeat")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(arguments)
    if not 1 <= given.annotators <= MOST_ANNOTATORS:
        parser.error(f"--annotators: 1 to {MOST_ANNOTATORS}")
    if not 1 <= given.loops * given.annotators * given.repeats <= MOST_LOOPS:
        parser.error(f"loops x annotators x repeats: at most {MOST_LOOPS}")
    if not 0 < given.seconds * given.repeats <= MOST_SECONDS:
        parser.error(f"seconds x repeats: at most {MOST_SECONDS:g}")
    return given


def read_address(url: str) -> tuple[str, int]:
    """Host and port. Raises: BenchmarkError for anything but a loopback address."""
    parts = urlsplit(url)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if parts.scheme != "http" or not is_loopback:
        raise BenchmarkError(f"{url} is not an http address on this machine.")
    return host, parts.port or 80


def read_tokens(path: Path, number: int) -> list[str]:
    """As many tokens as there are annotators; each must be another person's, or they would share their leases."""
    tokens = path.read_text(encoding="utf-8").split()
    if len(tokens) < number:
        raise BenchmarkError(f"{path} has {len(tokens)} tokens; {number} are needed.")
    return tokens[:number]


def main(arguments: list[str]) -> int:
    given = read_arguments(arguments)
    try:
        host, port = read_address(given.url)
        clients = [Client(host, port, token) for token in read_tokens(given.token_file, given.annotators)]
        repeats = [measure(clients, given.project, given.loops, given.seconds) for _ in range(given.repeats)]
    except (BenchmarkError, OSError) as error:
        print(f"annotate: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"annotators": given.annotators, "repeats": given.repeats, **spread(repeats)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
