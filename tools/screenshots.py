"""Pictures of every page of a running site, wide, middling and narrow, light and dark, to look at before a release.

    python tools/screenshots.py [--site http://127.0.0.1:8000] [--project demo] [--who manager] [--folder screenshots]

Signs in with a one-time link, so it runs on the site's own machine. Names every page that does not answer 200, writes
to the console or is wider than its window, and ends with exit code 1 if there was one.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
WIDTHS = (1440, 768, 360)
SCHEMES = ("light", "dark")
SIGN_IN = "/accounts/login/"
PAGES = {
    "work": "/",
    "tokens": "/account/tokens/",
    "password": "/accounts/password/change/",
    "new-project": "/projects/new/",
    "project": "/projects/{project}/",
    "judge": "/projects/{project}/judge/",
    "tasks": "/projects/{project}/tasks/",
    "people": "/projects/{project}/people/",
    "agreement": "/projects/{project}/agreement/",
    "agreement-trend": "/projects/{project}/agreement/trend/",
    "agreement-pairs": "/projects/{project}/agreement/pairs/",
    "agreement-people": "/projects/{project}/agreement/people/",
    "data": "/projects/{project}/data/",
    "models": "/projects/{project}/models/",
    "settings": "/projects/{project}/settings/",
    "board": "/projects/{project}/board/",
    "adjudication": "/projects/{project}/adjudication/",
    "late-answers": "/projects/{project}/late/",
    "metric-words": "/help/metrics/",
}
LINKED = {"run": "a[href^='/runs/']", "model": "a[href^='/models/']", "task": "a[href*='/tasks/']",
          "person": "a[href*='/quality/people/']"}  # fmt: skip
"""Pages without a fixed address: the first of each name that the page of models, tasks or everybody links to."""
MOST_LINKED = 4
OWN = {"edit": "a[href$='/edit/']", "history": "a[href$='/history/']"}
"""Pages of one's newest judgments, where the page of one's work links to some."""
JUDGING = ("judge", "edit")
"""Pages as high as the window; all others are taken whole."""
KEYS = {"judge-ranked": "2 1 3", "judge-keys": "?", "judge-compare": "Shift+D b"}
"""States of the judging screen, by the keys that lead there. They stay in the draft of the person who looks."""


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
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        page = browser.new_page()
        # The site may be training a model on the same cores.
        page.set_default_timeout(120_000)
        page.on("console", lambda message: message.type == "error" and faults.append(f"{page.url}: {message.text}"))
        if "sign-in".startswith(only):
            faults += take_page(page, "sign-in", site + SIGN_IN, folder)
        page.goto(site + sign_in_path(who))
        places = {**PAGES, **linked_pages(page, site, project, most=MOST_LINKED if only == ("",) else None)}
        for name, path in places.items():
            if name.startswith(only):
                faults += take_page(page, name, site + path.format(project=project), folder)
        for name, keys in KEYS.items():
            if name.startswith(only):
                faults += take_page(page, name, site + PAGES["judge"].format(project=project), folder, keys)
        browser.close()
    return faults


def linked_pages(page: Page, site: str, project: str, *, most: int | None) -> dict[str, str]:
    """Pages of single runs, models, tasks and people, newest first, by a name of their own: `run-17`."""
    found: dict[str, str] = {}
    page.goto(f"{site}/")
    for name, selector in OWN.items():
        links = page.locator(f"main {selector}").evaluate_all("all => all.map(each => each.getAttribute('href'))")
        if links:
            found[name] = links[0]
    for listing in ("models", "tasks", "agreement/people"):
        page.goto(f"{site}/projects/{project}/{listing}/")
        for name, selector in LINKED.items():
            links = page.locator(f"main {selector}").evaluate_all("all => all.map(each => each.getAttribute('href'))")
            paths = [link for link in dict.fromkeys(links) if link.rstrip("/").rsplit("/", 1)[1].isdecimal()]
            found |= {f"{name}-{path.rstrip('/').rsplit('/', 1)[1]}": path for path in paths[:most]}
    return found


def take_page(page: Page, name: str, address: str, folder: Path, keys: str = "") -> list[str]:
    """One page in every width and scheme, after these keys were pressed."""
    faults: list[str] = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            answer = page.goto(address, wait_until="networkidle")
            if answer is None or answer.status != 200:
                return [f"{address} answered {answer.status if answer else 'nothing'}"]
            for key in keys.split():
                page.keyboard.press(key)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                faults.append(f"{address} is wider than {width} px")
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=not name.startswith(JUDGING))
    return faults


def sign_in_path(who: str) -> str:
    """The path of a link that signs a person in once."""
    command = [sys.executable, "manage.py", "one_time_login", who]
    link = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return urlsplit(link).path


if __name__ == "__main__":
    sys.exit(main())
