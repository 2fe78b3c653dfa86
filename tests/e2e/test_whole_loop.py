"""The whole loop on real services, in a real browser: two people rank, a model learns, and they are asked again."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.running_site import ROOT, Site, open_home
from tests.tiny_model import make_tiny_model
from tests.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.browser]

# As for all browsers of the tests, whether or not theirs run too.
expect.set_options(timeout=30_000)

PASSWORD = "long-enough-for-a-test-7"
QUALITIES = ("good", "fair", "poor")
PROMPTS = 10
REWARD = ["training.max_steps=4", "training.pairs_per_step=4", "compute.threads=1", "evaluation.bootstrap_samples=100"]
GRPO = [
    "stop.steps=3",
    "rollout.prompts_per_step=2",
    "rollout.group_size=4",
    "rollout.max_new_tokens=10",
    "evaluation.prompts=2",
    "evaluation.shown_prompts=2",
    "model.threads=1",
]
MAKE_PEOPLE = f"""
from annotation.models import User
User.objects.create_superuser("alice", "alice@example.org", "{PASSWORD}")
for name in ("bob", "carol"):
    User.objects.create_user(name, f"{{name}}@example.org", "{PASSWORD}")
"""


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(open_home(tmp_path_factory), port=8400)
    yield running
    running.kill()


def manage(site: Site, *words: str) -> str:
    """What a management command printed, run as a user of the running site would run it."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=site.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_tasks(path: Path) -> Path:
    with path.open("w", encoding="utf-8") as lines:
        for number in range(PROMPTS):
            responses = [
                {"id": f"model-{quality}", "text": f"A {quality} answer, number {number}.", "source": quality}
                for quality in QUALITIES
            ]
            line = {
                "external_id": f"q{number}",
                "kind": "ranking",
                "prompt": f"Question {number}?",
                "responses": responses,
            }
            lines.write(json.dumps(line) + "\n")
    return path


def sign_in(browser: Browser, address: str, name: str) -> Page:
    page = browser.new_context().new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{address}accounts/login/")
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(address)
    return page


def rank_everything(page: Page, address: str) -> int:
    """Ranks by keyboard until there is nothing left; the good answer first, the poor one last."""
    page.goto(f"{address}projects/loop/judge/")
    done = 0
    while True:
        expect(page.locator("#work:visible, #no-work:visible")).to_have_count(1)
        if page.locator("#no-work").is_visible():
            return done
        question = page.locator("#prompt").inner_text()
        for text in page.locator("#cards .card").all_inner_texts():
            quality = next(each for each in QUALITIES if f"A {each} answer" in text)
            page.keyboard.press(str(QUALITIES.index(quality) + 1))
        page.keyboard.press("Enter")
        done += 1
        wait_for_another(page, question)


def wait_for_another(page: Page, question: str) -> None:
    """Until the next task is there, or the word that there is none."""
    for _ in range(600):
        if page.locator("#no-work").is_visible() or page.locator("#prompt").inner_text() != question:
            return
        page.wait_for_timeout(50)
    raise AssertionError(page.locator("body").inner_text())


def start_run(page: Page, address: str, kind: str, overrides: list[str]) -> None:
    """Starts a run from the form and stays on its page, which moves by itself, until it is over."""
    page.goto(f"{address}projects/loop/models/")
    page.locator(f"input[name=kind][value={kind}]").check()
    page.locator("select[name=snapshot]").select_option(index=0)
    page.locator("select[name=base_version]").select_option(label="tiny v1")
    page.locator("textarea[name=overrides]").fill("\n".join(overrides))
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page).to_have_url(re.compile(r"/runs/\d+/"))
    page.evaluate("window.samePage = true")
    try:
        expect(page.locator("#run-live h1")).to_contain_text("Made", timeout=1000 * PATIENCE_SECONDS)
    except AssertionError:
        raise AssertionError(page.locator("#run-live").inner_text()) from None
    assert page.evaluate("window.samePage") is True


def statistics(site: Site) -> dict[tuple[str, str], Any]:
    rows = json.loads(manage(site, "agreement", "loop", "--json"))
    return {(row["statistic"], row["level"]): row["value"] for row in rows}


def test_judgments_become_a_policy_and_its_answers_new_tasks(site: Site, browser: Browser, tmp_path: Path) -> None:
    address = site.address()
    manage(site, "shell", "-c", MAKE_PEOPLE)
    tasks = write_tasks(tmp_path / "tasks.jsonl")
    manage(site, "import_judgments", str(tasks), "--project", "loop", "--create")
    model = make_tiny_model(site.var_dir / "tiny", seed=3)
    manage(site, "register_model", "tiny", str(model))

    alice = sign_in(browser, address, "alice")
    for name in ("bob", "carol"):
        alice.goto(f"{address}projects/loop/people/")
        alice.locator("form.panel input[name=who], section.panel input[name=who]").first.fill(name)
        alice.get_by_role("button", name="Add", exact=True).click()
        expect(alice.locator("table")).to_contain_text(name)

    # Two people rank every task by keyboard.
    bob, carol = (sign_in(browser, address, name) for name in ("bob", "carol"))
    assert rank_everything(bob, address) == PROMPTS
    assert rank_everything(carol, address) == PROMPTS

    # They agree completely, and the page says what the command says.
    assert statistics(site)["krippendorff_alpha", "rank"] == 1.0
    alice.goto(f"{address}projects/loop/agreement/")
    expect(alice.locator("main")).to_contain_text("20 judgments by 2 people on 10 tasks")
    expect(alice.locator("main table").first).to_contain_text("1.000")

    # Snapshot, reward model, policy.
    alice.goto(f"{address}projects/loop/data/")
    alice.locator("#snapshots input[name=eval_share]").fill("0.3")
    alice.get_by_role("button", name="Freeze a snapshot").click()
    expect(alice.locator("#snapshots table")).to_contain_text("majority")
    start_run(alice, address, "reward", REWARD)
    expect(alice.locator("main")).to_contain_text("Held-out pairs it gets right")
    start_run(alice, address, "grpo", GRPO)
    expect(alice.locator("main")).to_contain_text("Same prompt, before and after")

    # Its responses come back to people, blind, and their lineage leads to the judgments.
    expect_new_tasks(alice, address)
    bob.goto(f"{address}projects/loop/judge/")
    bob.wait_for_selector("#work:not([hidden])")
    assert not {"tiny", "grpo", "policy"} & set(re.findall(r"\w+", bob.locator("#judge").inner_html().lower()))
    version = manage(site, "shell", "-v0", "-c", FIND_POLICY).strip().splitlines()[-1]
    lineage = json.loads(manage(site, "lineage", version, "--json"))
    assert sorted(judgment_ids(lineage)) == list(range(1, 2 * PROMPTS + 1))

    site.process.send_signal(signal.SIGINT)
    assert site.process.wait(PATIENCE_SECONDS) == 0
    assert not site.processes()


FIND_POLICY = """
from trainingruns.models import ModelVersion
version = ModelVersion.objects.get(run__kind="grpo")
print(f"{version.name}/{version.number}")
"""


def expect_new_tasks(page: Page, address: str) -> None:
    """The task table grows while sampling goes on."""
    for _ in range(240):
        page.goto(f"{address}projects/loop/tasks/?search=&state=")
        if page.locator("main table tbody tr").count() > 0 and "run:" in page.content():
            return
        page.wait_for_timeout(1000)
    raise AssertionError(page.locator("main").inner_text())


def judgment_ids(node: dict[str, Any]) -> set[int]:
    """Every judgment id named anywhere in a lineage."""
    return set(node.get("judgment_ids", ())).union(*(judgment_ids(each) for each in node["made_from"]))
