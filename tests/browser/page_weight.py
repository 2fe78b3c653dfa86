"""What a page costs: bytes over the wire and requests, as the browser counted them, caches empty."""

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from playwright.sync_api import Page

HEADER_BYTES = 400
"""What the headers of a static file take, generously."""


@dataclass
class Weight:
    """What came over the wire since `watch_weight`."""

    addresses: dict[str, str] = field(default_factory=dict)
    """Request id -> address, in the order of the requests."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Request id -> bytes, headers included."""

    session: Any = None
    """The browser's own instruments, for those who want to change what is cached."""

    @property
    def total(self) -> int:
        return sum(self.sizes.values())

    @property
    def total_compressed(self) -> int:
        """With static files as small as gzip makes them: the test server sends them as they lie on the disk."""
        total = 0
        for request, size in self.sizes.items():
            path = self.addresses[request].split("/static/", 1)
            file = finders.find(path[1]) if len(path) == 2 else None
            total += len(gzip.compress(Path(file).read_bytes())) + HEADER_BYTES if isinstance(file, str) else size
        return total

    @property
    def paths(self) -> list[str]:
        return [address.split("/", 3)[3] for address in self.addresses.values() if address.startswith("http")]


def watch_weight(page: Page) -> Weight:
    """Begins to count what the page loads."""
    weight = Weight()
    session = weight.session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def on_request(event: dict[str, Any]) -> None:
        weight.addresses[event["requestId"]] = event["request"]["url"]

    def on_end(event: dict[str, Any]) -> None:
        weight.sizes[event["requestId"]] = int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", on_request)
    session.on("Network.loadingFinished", on_end)
    return weight
