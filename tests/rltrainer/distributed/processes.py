"""Two real processes for a test: forked from this one, for importing torch anew costs seconds, and joined by gloo."""

import multiprocessing
import os
import pickle
import socket
import threading
import traceback
from collections.abc import Callable
from typing import Any

import torch
from tqdm import tqdm

from rltrainer.rank_environment import RankPlace
from rltrainer.ranks import Ranks, start_ranks

SECONDS = 240


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def on_ranks(count: int, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `work(ranks, *arguments)` gives on each of `count` processes; a failure of one fails the test."""
    context = multiprocessing.get_context("fork")
    port, pipes, processes = free_port(), [], []
    for index in range(count):
        ours, theirs = context.Pipe()
        place = RankPlace(index, count, index)
        processes.append(context.Process(target=_be_rank, args=(place, port, theirs, work, arguments), daemon=True))
        processes[-1].start()
        pipes.append(ours)
    # Our own children wrote this, a moment ago: nobody else has the other end of the pipe.
    answers = [pickle.loads(pipe.recv_bytes()) if pipe.poll(SECONDS) else ("failed", "no answer") for pipe in pipes]
    for process in processes:
        process.join(5)
        process.kill()
    faults = [answer for verdict, answer in answers if verdict != "done"]
    assert not faults, "\n".join(faults)
    return [answer for _, answer in answers]


def _be_rank(place: RankPlace, port: int, pipe: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    # A fork shares the lock of progress bars with its parent, and would wait for ever if a killed one had held it.
    tqdm.set_lock(threading.RLock())
    os.environ.update(place.variables(port=port))
    try:
        ranks: Ranks = start_ranks()
        answer = ("done", work(ranks, *arguments))
    except BaseException:
        answer = ("failed", f"rank {place.index}: {traceback.format_exc()}")
    # Pickled here and not by the pipe, which would send a tensor as a handle of this process.
    pipe.send_bytes(pickle.dumps(answer))
    os._exit(0)
