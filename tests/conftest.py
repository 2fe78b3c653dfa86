"""What tests everywhere share: the fixed cast of people, and a real browser where one is installed."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError
from django.test import Client, TransactionTestCase
from hypothesis import settings as property_settings

from annotation.models import Membership, Project, User

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLUSH_TRIES = 6

# Property tests without a stopwatch: a busy machine is no defect, and 60 examples keep the suite fast.
property_settings.register_profile("concord", deadline=None, max_examples=60)
property_settings.load_profile("concord")


@pytest.fixture(scope="session", autouse=True)
def patient_flush() -> Iterator[None]:
    """Tables are emptied once the last request of a closed page has let go of them: the two may deadlock."""
    flush = TransactionTestCase._fixture_teardown

    def try_again(case: TransactionTestCase) -> None:
        for left in reversed(range(FLUSH_TRIES)):
            try:
                flush(case)
            except CommandError as error:
                if not left or not isinstance(error.__cause__, OperationalError):
                    raise
                time.sleep(0.5)
            else:
                break

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", try_again)
        yield


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """A training process takes signals for itself, and tests run the same code in theirs; each gives them back."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


# --- The cast: Alice manages, Rita reviews, Bob and Carol annotate, Oscar belongs to nothing --------------------------


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", "alice@example.org", "alice-password-1")


@pytest.fixture
def rita(db: None) -> User:
    return User.objects.create_user("rita", "rita@example.org", "rita-password-1")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.org", "bob-password-1")


@pytest.fixture
def carol(db: None) -> User:
    return User.objects.create_user("carol", "carol@example.org", "carol-password-1")


@pytest.fixture
def oscar(db: None) -> User:
    return User.objects.create_user("oscar", "oscar@example.org", "oscar-password-1")


@pytest.fixture
def campaign(alice: User, rita: User, bob: User, carol: User) -> Project:
    """A ranking project of the cast without tasks; each task wants two judgments."""
    project = Project.objects.create(
        slug="campaign", name="Campaign", kind="ranking", judgments_per_task=2, created_by=alice
    )
    roles = {alice: "manager", rita: "reviewer", bob: "annotator", carol: "annotator"}
    for person, role in roles.items():
        Membership.objects.create(project=project, user=person, role=role)
    return project


# --- The browser ------------------------------------------------------------------------------------------------------


@pytest.fixture
def imports_folder(tmp_path: Path, settings: Any) -> Path:
    """Where uploads of this test lie."""
    options = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "artifacts": options}
    return tmp_path


def find_chromium() -> str | None:
    """The browser's path: the variable CHROMIUM, or one of the usual names on the PATH."""
    return next(
        (path for name in (os.environ.get("CHROMIUM"), *CHROMIUM_NAMES) if name and (path := shutil.which(name))), None
    )


def browser_is_required() -> bool:
    """Continuous integration sets this, so that a missing browser cannot pass for a success."""
    return os.environ.get("CONCORD_REQUIRE_BROWSER") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
    if find_chromium() or browser_is_required():
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="no chromium found; install one or set CHROMIUM to its path"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Where a browser is required, a browser test that is skipped for any reason counts as failed."""
    report: Any = yield
    if report.skipped and browser_is_required() and item.get_closest_marker("browser"):
        report.outcome = "failed"
        report.longrepr = f"skipped though CONCORD_REQUIRE_BROWSER=1: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's chromium; as root it cannot use its sandbox."""
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    path = find_chromium()
    if path is None:
        pytest.fail("CONCORD_REQUIRE_BROWSER=1, but no chromium was found; set CHROMIUM to its path")
    return {**browser_type_launch_args, "executable_path": path, "args": arguments}


@pytest.fixture
def sign_in(live_server: Any) -> Callable[[Any, User], None]:
    """Gives a browser context the session of a person: `sign_in(page.context, bob)`."""

    def give_session(context: Any, person: User) -> None:
        client = Client()
        client.force_login(person)
        cookie = client.cookies["sessionid"]
        context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": live_server.url, "httpOnly": True}])

    return give_session
