"""A call with a token goes past what is there for pages, and misses nothing that protects it."""

import logging
from typing import Any

import pytest
from django.test import Client

from annotation.models import Project, User
from annotation.services.tokens import issue_token

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/me"
GUARDS = [
    "Content-Security-Policy",
    "X-Frame-Options",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Cross-Origin-Opener-Policy",
]


@pytest.fixture
def token(bob: User) -> str:
    return issue_token(user=bob, name="test")[1]


def test_both_ways_carry_the_same_guards(client: Client, bob: User, token: str) -> None:
    by_token = Client().get(ADDRESS, headers={"Authorization": f"Bearer {token}"})
    client.force_login(bob)
    by_session = client.get(ADDRESS)
    assert (by_token.status_code, by_session.status_code) == (200, 200)
    assert by_token.json()["username"] == by_session.json()["username"] == "bob"
    for name in GUARDS:
        assert by_token.headers[name] == by_session.headers[name]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "TOKEN"])
def test_a_token_costs_no_session_and_leaves_no_cookie(token: str, scheme: str) -> None:
    answer = Client().get(ADDRESS, headers={"Authorization": f"{scheme} {token}"})
    assert answer.status_code == 200
    assert not answer.cookies
    assert not hasattr(answer.wsgi_request, "session")


@pytest.mark.parametrize("header", ["Bearer", "Bearer wrong", "Token a b"])
def test_a_session_does_not_stand_in_for_a_bad_token(client: Client, bob: User, header: str) -> None:
    client.force_login(bob)
    assert client.get(ADDRESS, headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("header", ["", "Basic Ym9iOng=", "Bearerx y"])
def test_any_other_header_leaves_the_check_against_forgery_on(bob: User, campaign: Project, header: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    headers = {"Authorization": header} if header else {}
    answer = client.post(f"/api/v1/projects/{campaign.slug}/acquire", "{}", "application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")


def test_pages_ignore_a_token(bob: User, token: str) -> None:
    answer = Client().get("/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 302
    assert hasattr(answer.wsgi_request, "session")


def test_signing_in_keeps_all_of_it(token: str) -> None:
    answer = Client().get("/api/v1/auth/token", headers={"Authorization": f"Bearer {token}"})
    assert hasattr(answer.wsgi_request, "session")


@pytest.mark.parametrize(("level", "lines"), [(logging.INFO, 1), (logging.WARNING, 0)])
def test_the_line_of_a_call_is_written_where_it_is_read(
    caplog: Any, bob: User, token: str, level: int, lines: int
) -> None:
    with caplog.at_level(level, logger="django_structlog.middlewares.request"):
        Client().get(ADDRESS, headers={"Authorization": f"Bearer {token}"})
    finished = [record.msg for record in caplog.records if "request_finished" in str(record.msg)]
    assert len(finished) == lines
    for line in finished:
        assert line["user_id"] == bob.pk
        assert line["code"] == 200
        assert line["request_id"]
