"""A person's keys: codes from fixed lists, and nobody else's."""

import pytest

from annotation.models import AuditEvent, Shortcut
from annotation.shortcuts import DEFAULTS
from tests.annotation.api.conftest import ClientOf

ADDRESS = "/api/v1/me/shortcuts"
HOSTILE = '"><img src=x onerror=alert(1)>'


def test_keys_are_the_callers_own(client_of: ClientOf) -> None:
    bob, carol = client_of("bob"), client_of("carol")
    given = bob.put(ADDRESS, {"shortcuts": {"skip": "shift+k"}})
    assert given.status_code == 200
    assert given.json()["shortcuts"] == {**DEFAULTS, "skip": "shift+k"} == bob.get(ADDRESS).json()["shortcuts"]
    assert carol.get(ADDRESS).json()["shortcuts"] == DEFAULTS
    assert AuditEvent.objects.get(action="set_shortcuts").actor.username == "bob"


def test_the_newest_choice_counts_and_can_be_repeated(client_of: ClientOf) -> None:
    bob = client_of("bob")
    for wanted in ({"skip": "shift+k"}, {"skip": "j", "flag": "shift+k"}, {"skip": "j", "flag": "shift+k"}):
        assert bob.put(ADDRESS, {"shortcuts": wanted}).status_code == 200
    assert dict(Shortcut.objects.values_list("action", "key")) == {"skip": "j", "flag": "shift+k"}
    assert bob.put(ADDRESS, {"shortcuts": {}}).json()["shortcuts"] == DEFAULTS
    assert not Shortcut.objects.exists()


@pytest.mark.parametrize(
    "wanted", [{"skip": "<b>"}, {HOSTILE[:20]: "x"}, {"skip": DEFAULTS["flag"]}, {"skip": ["x"]}, [], "x", None]
)
def test_what_is_no_code_is_refused_and_changes_nothing(client_of: ClientOf, wanted: object) -> None:
    bob = client_of("bob")
    bob.put(ADDRESS, {"shortcuts": {"skip": "j"}})
    refusal = bob.put(ADDRESS, {"shortcuts": wanted})
    assert refusal.status_code == 400
    assert bob.get(ADDRESS).json()["shortcuts"] == {**DEFAULTS, "skip": "j"}


def test_no_key_of_somebody_else_can_be_named(client_of: ClientOf) -> None:
    assert client_of("bob").put(ADDRESS, {"shortcuts": {}, "user": 1}).status_code == 400
    assert client_of("alice").get("/api/v1/users/1/shortcuts").status_code == 404
