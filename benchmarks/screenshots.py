"""The pictures of the README, taken in a real browser from a running site: `make screenshots`.

    python benchmarks/screenshots.py [--site http://127.0.0.1:8000] [--project demo] [--folder docs/images]

Signs in with a one-time link, so it runs on the site's own machine. CHROMIUM names the browser where it is elsewhere.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "work": "/",
    "rank": "/projects/{project}/judge/",
    "project": "/projects/{project}/",
    "agreement": "/projects/{project}/agreement/",
    "data": "/projects/{project}/data/",
    "models": "/projects/{project}/models/",
}


def sign_in_path(username: str) -> str:
    """The path of a link that signs a person in once."""
    command = [sys.executable, "manage.py", "one_time_login", username]
    link = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return urlsplit(link).path


def take_pictures(site: str, project: str, username: str, folder: Path) -> None:
    """One PNG a page; a page that does not answer 200 ends it by name."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No chromium was found; install it or set CHROMIUM to its path.")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto(site + sign_in_path(username))
        for name, path in PAGES.items():
            answer = page.goto(site + path.format(project=project), wait_until="networkidle")
            if answer is None or answer.status != 200:
                sys.exit(f"{path.format(project=project)} answered {answer.status if answer else 'nothing'}")
            page.screenshot(path=folder / f"{name}.png")
            print(folder / f"{name}.png")
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Takes the pictures of the README from a running site.")
    parser.add_argument("--site", default="http://127.0.0.1:8000")
    parser.add_argument("--project", default="demo")
    parser.add_argument("--user", default="manager")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "images")
    arguments = parser.parse_args()
    take_pictures(arguments.site.rstrip("/"), arguments.project, arguments.user, arguments.folder)


if __name__ == "__main__":
    main()
