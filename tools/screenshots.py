"""Pictures of every page of a running site, wide, middling and narrow, light and dark, to look at before a release.

    python tools/screenshots.py [--site http://127.0.0.1:8000] [--project demo] [--who manager] [--folder screenshots]

Signs in with a one-time link, so it runs on the site's own machine, and follows the links from page to page: a new page
is on the way as soon as something leads to it. Names every page that does not answer 200, writes to the console or is
wider than its window, and ends with exit code 1 if there was one.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, deque
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
WIDTHS = (1440, 768, 360)
SCHEMES = ("light", "dark")
SETTLE_MS = 60
"""What a page gets to lay itself out anew."""
SIGN_IN = "/accounts/login/"
SEEDS = (
    "/",
    "/accounts/password/change/",
    "/accounts/password/reset/",
    "/accounts/email/",
    "/accounts/2fa/",
    "/accounts/logout/",
    "/account/tokens/",
    "/help/metrics/",
    "/projects/new/",
    "/nothing/",
    *(f"/projects/{{project}}/{page}" for page in ("", "judge/", "late/", "board/leases/", "quality/tasks/")),
)
"""Where the way through the site begins; every page that one of them links to is on it, and so on."""
NO_PAGE = re.compile(r"^/(api|admin|static|accounts/logout|runs/\d+/live)\b|/(live|errors|export)/$|\.\w+$")
MOST_ALIKE = 2
"""Pages whose addresses differ in numbers only: so many of them, the first ones linked to."""
MOST_PAGES = 200
JUDGING = re.compile(r"/(judge|judgments/\d+/edit)/$")
"""Pages as high as the window; all others are taken whole."""
KEYS = {
    "judge-ranked": "2 1 3",
    "judge-keys": "?",
    "judge-compare": "Shift+D b",
    "judge-find": "l b k / t h e Enter",
    "judge-folded": "Shift+P",
}
"""States of the judging screen, by the keys that lead there. They stay in the draft of the person who looks."""
LINKS = """() => [...document.querySelectorAll("a[href]")].map((link) => new URL(link.href))
  .filter((url) => url.origin === location.origin).map((url) => url.pathname)"""


def main() -> int:
    """Exit code 0 only if every page was well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", default="http://127.0.0.1:8000")
    parser.add_argument("--project", default="demo")
    parser.add_argument("--who", default="manager", help="user name to sign in as")
    parser.add_argument("--folder", type=Path, default=ROOT / "screenshots")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="pages to take, by the beginning of their names")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    only = tuple(arguments.only or [""])
    faults = take_pictures(arguments.site, arguments.project, arguments.who, arguments.folder, only)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def take_pictures(site: str, project: str, who: str, folder: Path, only: tuple[str, ...] = ("",)) -> list[str]:
    """Writes the pictures of pages whose names begin with one of `only`, and gives what was wrong with the pages."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No chromium was found; install it or set CHROMIUM to its path.")
    faults: list[str] = []
    with sync_playwright() as playwright:
        options = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        page = browser.new_page()
        # The site may be training a model on the same cores.
        page.set_default_timeout(120_000)
        page.on("console", lambda message: message.type == "error" and faults.append(f"{page.url}: {message.text}"))
        if "sign-in".startswith(only):
            faults += take_page(page, "sign-in", site + SIGN_IN, folder)
        page.goto(site + sign_in_path(who))
        faults += walk_through(page, site, project, folder, only)
        for name, keys in KEYS.items():
            if name.startswith(only):
                faults += take_page(page, name, f"{site}/projects/{project}/judge/", folder, keys)
        browser.close()
    return [fault for fault in faults if "/nothing/" not in fault]


def walk_through(page: Page, site: str, project: str, folder: Path, only: tuple[str, ...]) -> list[str]:
    """Takes every page that the seeds lead to, over links alone."""
    faults: list[str] = []
    waiting = deque(seed.format(project=project) for seed in SEEDS)
    known, alike = set(waiting), Counter(re.sub(r"\d+", "N", path) for path in waiting)
    while waiting and len(known) < MOST_PAGES:
        path = waiting.popleft()
        name = name_of(path, project)
        if name.startswith(only):
            faults += take_page(page, name, site + path, folder)
        else:
            page.goto(site + path)
        for link in page.evaluate(LINKS):
            pattern = re.sub(r"\d+", "N", link)
            if link not in known and not NO_PAGE.search(link) and alike[pattern] < MOST_ALIKE:
                known.add(link)
                alike[pattern] += 1
                waiting.append(link)
    print(f"{len(known)} pages")
    return faults


def name_of(path: str, project: str) -> str:
    """`tasks-17-verdict` for /projects/demo/tasks/17/verdict/."""
    words = path.strip("/").removeprefix(f"projects/{project}").strip("/").replace("/", "-")
    return words or ("work" if path == "/" else "project")


def take_page(page: Page, name: str, address: str, folder: Path, keys: str = "") -> list[str]:
    """One page in every width and scheme, after these keys were pressed."""
    faults: list[str] = []
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    answer = page.goto(address, wait_until="networkidle")
    if answer is None or answer.status != (404 if address.endswith("/nothing/") else 200):
        return [f"{address} answered {answer.status if answer else 'nothing'}"]
    for key in keys.split():
        page.keyboard.press(key)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.wait_for_timeout(SETTLE_MS)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                faults.append(f"{address} is wider than {width} px")
            whole = not JUDGING.search(address)
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=whole)
    return faults


def sign_in_path(who: str) -> str:
    """The path of a link that signs a person in once."""
    command = [sys.executable, "manage.py", "one_time_login", who]
    link = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return urlsplit(link).path


if __name__ == "__main__":
    sys.exit(main())
