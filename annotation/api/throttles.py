"""How often one person may call. Limits stop floods and guessing, far above what anybody does by hand."""

import hashlib
import logging
import threading
import time

from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from annotation.api.errors import Unavailable

logger = logging.getLogger(__name__)
WINDOW_SECONDS = 60


class MinuteThrottle(BaseThrottle):
    """At most `limit` requests a minute for each key, counted in fixed minutes and shared by all processes."""

    scope = "call"
    limit = 6_000
    closed_without_cache = False
    """Whether to refuse when the counter cannot be reached. People at work are let through; guessing is not."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return all(count_call(f"{self.scope}:{key}", self.limit) <= self.limit for key in self.keys(request))
        except RedisError as error:
            logger.warning("cannot count calls: %s", error)
            if self.closed_without_cache:
                raise Unavailable() from error
            return True

    def keys(self, request: Request) -> list[str]:
        """Whom the calls are counted for: the person, or the address of somebody unknown."""
        return [f"user:{request.user.pk}" if request.user.is_authenticated else f"address:{self.get_ident(request)}"]

    def wait(self) -> float:
        return WINDOW_SECONDS - time.time() % WINDOW_SECONDS


def count_call(key: str, limit: int) -> int:
    """Counts one call in the current minute and gives the count with it, or one that is a little higher.

    A process draws numbers in blocks of a hundredth of the limit, so that most calls cost no round trip. What it drew
    counts for all processes at once: no limit is ever passed, and none below a hundred is counted in blocks.
    """
    minute = int(time.time() // WINDOW_SECONDS)
    with _lock:
        drawn_in, number, last = _drawn.get(key, (minute, 0, 0))
        if drawn_in == minute and number < last:
            _drawn[key] = (minute, number + 1, last)
            return number + 1
    block = max(1, limit // 100)
    last = _draw(f"calls:{key}:{minute}", block)
    number = last - block + 1
    if block > 1:
        with _lock:
            _forget_other_minutes(minute)
            _drawn[key] = (minute, number, last)
    return number


_drawn: dict[str, tuple[int, int, int]] = {}
"""By key: the minute, the number given last, and the last one of the block."""
_lock = threading.Lock()


def forget_drawn() -> None:
    """Begins anew, as after the counters of the cache are gone."""
    with _lock:
        _drawn.clear()


def _forget_other_minutes(minute: int) -> None:
    if any(drawn_in != minute for drawn_in, _, _ in _drawn.values()):
        current = {key: drawn for key, drawn in _drawn.items() if drawn[0] == minute}
        _drawn.clear()
        _drawn.update(current)


def _draw(name: str, block: int) -> int:
    try:
        return cache.incr(name, block)
    except ValueError:
        # The first call of the minute; if another process was first in between, its counter stands.
        cache.add(name, 0, timeout=2 * WINDOW_SECONDS)
        return cache.incr(name, block)


class CallThrottle(MinuteThrottle):
    """Everything that has no throttle of its own."""


class AcquireThrottle(MinuteThrottle):
    scope = "acquire"
    limit = 12_000


class SubmitThrottle(MinuteThrottle):
    scope = "submit"
    limit = 12_000


class LeaseThrottle(MinuteThrottle):
    scope = "lease"
    limit = 12_000


class ExportThrottle(MinuteThrottle):
    scope = "export"
    limit = 30


class ImportThrottle(MinuteThrottle):
    scope = "import"
    limit = 60


class SignInThrottle(MinuteThrottle):
    """Five tries a minute for one name from one address, and thirty from one address."""

    scope = "sign-in"
    limit = 5
    closed_without_cache = True

    def keys(self, request: Request) -> list[str]:
        name = request.data.get("username") if isinstance(request.data, dict) else None
        digest = hash_name(str(name).casefold()[:200])
        return [f"{self.get_ident(request)}:{digest}"]


class AddressThrottle(MinuteThrottle):
    scope = "sign-in-address"
    limit = 30
    closed_without_cache = True

    def keys(self, request: Request) -> list[str]:
        return [f"address:{self.get_ident(request)}"]


def hash_name(name: str) -> str:
    """A name as it may stand in a cache key, which takes no blanks or control characters."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
