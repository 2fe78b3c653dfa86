"""Sign-up is closed, guessing is slowed down, and a one-time link works once."""

import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from annotation.models import AuditEvent, User
from config.one_time_login import make_one_time_link


@pytest.fixture(autouse=True)
def fresh_rate_limits() -> None:
    cache.clear()


def path_of(link: str) -> str:
    return urlsplit(link).path


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_link_signs_in_exactly_once(client: Client, alice: User) -> None:
    link = path_of(make_one_time_link(user=alice))
    answer = client.get(link)
    assert answer.status_code == 302
    assert is_signed_in(client)
    other = Client()
    assert other.get(link).status_code == 403
    assert not is_signed_in(other)


def test_an_unused_link_ends_with_any_other_sign_in(client: Client, alice: User) -> None:
    older, newer = make_one_time_link(user=alice), make_one_time_link(user=alice)
    assert client.get(path_of(newer)).status_code == 302
    assert Client().get(path_of(older)).status_code == 403


def test_a_link_is_refused_after_ten_minutes(client: Client, alice: User) -> None:
    link = path_of(make_one_time_link(user=alice))
    later = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(seconds=601)
    with time_machine.travel(later):
        assert client.get(link).status_code == 403


def test_a_forged_link_is_refused(client: Client, alice: User) -> None:
    link = path_of(make_one_time_link(user=alice))
    assert client.get(link[:-4] + "AAA/").status_code == 403


def test_a_person_who_was_shut_out_gets_no_further_with_a_link(client: Client, alice: User) -> None:
    link = path_of(make_one_time_link(user=alice))
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get(link).status_code == 403


def test_a_link_cannot_be_posted(client: Client, alice: User) -> None:
    assert client.post(path_of(make_one_time_link(user=alice))).status_code == 405


def test_the_command_names_a_person_it_does_not_find(db: None) -> None:
    with pytest.raises(CommandError, match="'nobody-here'"):
        call_command("one_time_login", "nobody-here")


def test_a_link_whose_address_is_a_guess_says_so(
    alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONCORD_VAR", str(tmp_path))
    for name in ("PORT", "SITE_URL"):
        monkeypatch.delenv(name, raising=False)
    call_command("one_time_login", "alice")
    told = capsys.readouterr()
    assert told.out.startswith(f"{settings.SITE_URL}/accounts/once/")
    assert f"takes {settings.SITE_URL} for its address" in told.err and "set PORT or SITE_URL" in told.err
    (tmp_path / "site.lock").write_text("http://127.0.0.1:8003/")
    call_command("one_time_login", "alice")
    assert capsys.readouterr().err == ""


def test_nobody_makes_an_account_for_themselves(client: Client, db: None) -> None:
    form = {
        "username": "mallory",
        "email": "m@example.org",
        "password1": "a-long-password-9",
        "password2": "a-long-password-9",
    }
    client.post("/accounts/signup/", form)
    assert not User.objects.filter(username="mallory").exists()


def test_guessing_a_password_is_slowed_down(client: Client, bob: User) -> None:
    answers = [client.post("/accounts/login/", {"login": "bob", "password": f"wrong-{n}"}) for n in range(7)]
    right = client.post("/accounts/login/", {"login": "bob", "password": "bob-password-1"})
    assert answers[0].status_code == 200
    assert not is_signed_in(client)
    assert right.status_code in (200, 429)


def test_the_right_password_signs_in(client: Client, bob: User) -> None:
    client.post("/accounts/login/", {"login": "bob", "password": "bob-password-1"})
    assert is_signed_in(client)


def test_every_coming_and_going_leaves_a_trace(client: Client, alice: User) -> None:
    page = "/accounts/login/"
    client.post(page, {"login": "alice", "password": "wrong"}, REMOTE_ADDR="192.0.2.7")
    client.post(page, {"login": "nobody-here", "password": "wrong"})
    client.post(page, {"login": "alice", "password": "alice-password-1"}, REMOTE_ADDR="192.0.2.7")
    client.post("/accounts/logout/")
    alice.refresh_from_db()
    Client().get(path_of(make_one_time_link(user=alice)))

    events = AuditEvent.objects.order_by("id").values_list("action", "actor__username", "address", "object_id")
    assert list(events) == [
        ("fail_sign_in", None, "192.0.2.7", str(alice.pk)),
        ("sign_in", "alice", "192.0.2.7", str(alice.pk)),
        ("sign_out", "alice", "127.0.0.1", str(alice.pk)),
        ("sign_in", "alice", "127.0.0.1", str(alice.pk)),
    ]
