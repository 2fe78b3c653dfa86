"""What the judging screen of a running site costs: bytes over the wire, requests, and when the first task is there.

    python -m benchmarks.page_weight [--site http://127.0.0.1:8000] [--project demo] [--who annotator1] [--json]

Opens the screen in a browser with empty caches, as somebody who signs in for the first time, and counts what the
browser itself counted. Ends with exit code 1 if the page weighs more than the limit or its first task needs a second
round.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
from dataclasses import asdict, dataclass

from playwright.sync_api import Browser, sync_playwright

from tests.browser.page_weight import watch_weight
from tools.screenshots import sign_in_path

LIMIT_BYTES = 150_000
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """One cold visit."""

    bytes: int
    requests: int
    api_calls_before_task: int
    task_shown_ms: float
    bytes_warm: int
    """A second visit, the browser's cache filled."""


def main() -> int:
    """Exit code 0 only if the page is light and its first task comes with the first round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", default="http://127.0.0.1:8000")
    parser.add_argument("--project", default="demo")
    parser.add_argument("--who", default="manager", help="user name to sign in as")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    costs = measure(arguments.site, arguments.project, arguments.who)
    middle = {name: statistics.median(asdict(cost)[name] for cost in costs) for name in asdict(costs[0])}
    if arguments.json:
        print(json.dumps({**middle, "rounds": len(costs), "limit_bytes": LIMIT_BYTES}))
    else:
        for name, value in middle.items():
            print(f"{name:24} {value:>12,.0f}")
    return 0 if middle["bytes"] < LIMIT_BYTES and middle["api_calls_before_task"] == 0 else 1


def measure(site: str, project: str, who: str) -> list[Cost]:
    """One cost a round, each with a browser context of its own."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No chromium was found; install it or set CHROMIUM to its path.")
    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        costs = [_visit(browser, site, project, who) for _ in range(ROUNDS)]
        browser.close()
    return costs


def _visit(browser: Browser, site: str, project: str, who: str) -> Cost:
    context = browser.new_context()
    page = context.new_page()
    page.goto(site + sign_in_path(who))
    weight = watch_weight(page)
    address = f"{site}/projects/{project}/judge/"
    page.goto(address)
    page.locator(".card").first.wait_for()
    shown = float(page.evaluate("performance.now()"))
    calls = sum(path.startswith("api/") for path in weight.paths)
    page.wait_for_load_state("networkidle")
    cold, requests = weight.total, len(weight.paths)
    weight.session.send("Network.setCacheDisabled", {"cacheDisabled": False})
    page.goto(address)
    page.wait_for_load_state("networkidle")
    before_warm = weight.total
    page.goto(address)
    page.wait_for_load_state("networkidle")
    warm = weight.total - before_warm
    context.close()
    return Cost(cold, requests, calls, shown, warm)


if __name__ == "__main__":
    sys.exit(main())
