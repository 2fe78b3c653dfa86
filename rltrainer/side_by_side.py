"""Two halves of one pass side by side, a thread each.

Two threads that share every operation wait at the end of each for the slower one, thousands of times a pass; and each
finds what the other has just computed in the other's cache. Halves that know nothing of each other wait once. Gradients
of the same weight are added in a fixed order, so that a run repeats bit by bit.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import cache
from threading import Barrier, Semaphore
from types import TracebackType
from typing import Any, TypeVar

import torch
from torch import Tensor

from rltrainer.memory import go_on_counting

HALVES = 2
"""Three would each add another gradient to every weight."""
LEAST_TOKENS = 1024
"""Fewer are faster as a whole, for each half reads all weights: forward passes of SmolLM2 over 256, 512 and 1,024
tokens take 262, 466 and 947 ms in halves, 236, 454 and 962 as a whole."""
EVEN_SHARE = 0.55
"""Of the tokens, for the larger half at most: the smaller one's thread idles when it is done."""
T = TypeVar("T")


class Turn:
    """A half's place in the order: what both do inside of `with turn:` the first does before the second.

    Both must come to the same places in the same order.
    """

    def __init__(self, *, waits_for: "Turn | None" = None) -> None:
        self.is_first = waits_for is None
        """Whether nothing was there before."""
        self._waits_for = waits_for
        self._done = Semaphore(0)
        self._broken = False

    def __enter__(self) -> None:
        if self._waits_for is not None:
            self._waits_for.await_next()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._done.release()

    def await_next(self) -> None:
        """Return once one thing more has been done. Raises: Abandoned where no more will be."""
        self._done.acquire()
        if self._broken:
            raise Abandoned

    def break_off(self) -> None:
        """Whoever waits need not wait any longer."""
        self._broken = True
        self._done.release()


def make_turns() -> tuple[Turn, Turn]:
    """Those of two halves."""
    first = Turn()
    return first, Turn(waits_for=first)


class Abandoned(Exception):
    """The half that goes first has failed."""


Work = Callable[[int, Turn], T]
"""One half's work, given its number and its turn."""


def plan_halves(tokens: Sequence[int]) -> tuple[slice, slice] | None:
    """Where to cut a row of pieces of so many tokens into halves; None where the whole is as fast.

    With more than two threads halves would still share every operation among several, and nobody has measured whether
    they gain.
    """
    if torch.get_num_threads() != HALVES or sum(tokens) < LEAST_TOKENS:
        return None
    place = cut_evenly(tokens)
    larger = max(sum(tokens[:place]), sum(tokens[place:]))
    return None if larger > EVEN_SHARE * sum(tokens) else (slice(0, place), slice(place, len(tokens)))


def cut_evenly(tokens: Sequence[int]) -> int:
    """PURE: the place at which a row of pieces is best cut in two: how many of them are before it."""
    total, before, found = sum(tokens), 0, []
    for place, own in enumerate(tokens):
        found.append((abs(total - 2 * before), place))
        before += own
    return min(found, default=(0, 0))[1]


def run_halves(work: Work[T], turns: tuple[Turn, Turn] | None = None) -> list[T]:
    """What both halves give, in their order; gradients are enabled in them as they are here.

    Raises: what the first half that failed has raised, once both have ended.
    """
    own = turns or make_turns()
    enabled, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()

    def run(number: int) -> T:
        try:
            with torch.inference_mode(inference), torch.set_grad_enabled(enabled), go_on_counting():
                return work(number, own[number])
        except BaseException:
            own[number].break_off()
            raise

    causes: list[Future[T]] = []
    running = [_threads().submit(copy_context().run, run, number) for number in range(HALVES)]
    try:
        wait(running)
        # The one that failed for want of the other tells nothing.
        causes = sorted(running, key=lambda each: isinstance(each.exception(), Abandoned))
        while causes:
            causes.pop(0).result()
        return [each.result() for each in running]
    finally:
        # An error knows this frame, and would be kept by it together with the tensors of the half that failed.
        running.clear()
        causes.clear()


def differentiate_halves(work: Work[Tensor]) -> Tensor:
    """The tensors that both halves give, one after the other; their backward passes run side by side as well.

    Each half adds its gradients of weights by hand, within its turn: autograd knows of nothing that this depends on.
    """
    found: Tensor = _Halves.apply(torch.empty(0, requires_grad=True), work)
    return found


class _Halves(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, anchor: Tensor, work: Work[Tensor]) -> Tensor:
        ctx.turns = make_turns()
        with torch.enable_grad():
            ctx.results = run_halves(work, ctx.turns)
        return torch.cat([each.detach() for each in ctx.results])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, None]:
        results, ctx.results = ctx.results, None
        slopes = gradient.split([len(each) for each in results])
        run_halves(lambda number, _: torch.autograd.backward(results[number], slopes[number]), ctx.turns)
        return None, None


@cache
def _threads() -> ThreadPoolExecutor:
    """A thread for each half, in which torch computes with one."""
    threads, started = torch.get_num_threads(), Barrier(HALVES + 1)
    pool = ThreadPoolExecutor(HALVES, thread_name_prefix="half", initializer=_compute_alone)
    for _ in range(HALVES):
        pool.submit(started.wait)
    started.wait()
    torch.set_num_threads(threads)
    return pool


def _compute_alone() -> None:
    torch.set_num_threads(1)
    # Torch gives a thread that it meets for the first time the number that was set last, by whichever thread.
    torch.get_num_threads()
