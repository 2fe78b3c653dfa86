import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from annotation.models import Invitation, Membership, Project, User
from annotation.services.invitations import make_invitation
from annotation.web.invitations import VISITS_A_MINUTE

PLACE = "/projects/campaign/people/invitations/"


@pytest.fixture(autouse=True)
def _fresh_counters(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


def enter(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_a_manager_makes_a_link_that_lets_a_stranger_in(campaign: Project, alice: User) -> None:
    client = enter(alice)
    page = client.post(PLACE, {"role": "annotator", "most_uses": 1, "days": 7, "label": "<b>team</b>"}).content.decode()
    found = re.search(r"(/join/[\w-]+/)", page)
    assert found is not None
    assert "<b>team</b>" not in page
    assert found[1] not in client.get(PLACE).content.decode()
    stranger = Client()
    shown = stranger.get(found[1]).content.decode()
    assert "Join Campaign" in shown
    refused = stranger.post(found[1], {"username": "nora", "password": "short"})
    assert refused.status_code == 400
    joined = stranger.post(found[1], {"username": "nora", "password": "quiet-harbour-lamp-9"}, follow=True)
    assert "Welcome to Campaign" in joined.content.decode()
    assert Membership.objects.get(user__username="nora").role == "annotator"
    assert Client().get(found[1]).status_code == 404


def test_somebody_signed_in_joins_by_a_button(campaign: Project, alice: User, oscar: User) -> None:
    token = make_invitation(project=campaign, actor=alice, role="reviewer")[1]
    client = enter(oscar)
    assert "signed in as <b>oscar</b>" in client.get(f"/join/{token}/").content.decode()
    assert not Membership.objects.filter(user=oscar).exists(), "a look alone must not join"
    assert "you are reviewer" in client.post(f"/join/{token}/", follow=True).content.decode()
    assert client.put(f"/join/{token}/").status_code == 405


def test_trying_links_is_slowed_down(db: None, time_machine: Any) -> None:
    # Visits are counted in minutes of the clock, which must not strike in between.
    time_machine.move_to(timezone.now().replace(second=5), tick=False)
    client = Client()
    statuses = [client.get(f"/join/guess-{number}/").status_code for number in range(VISITS_A_MINUTE + 2)]
    assert set(statuses[:-2]) == {404}
    assert statuses[-1] == 429


def test_a_manager_ends_an_invitation(campaign: Project, alice: User, rita: User, oscar: User) -> None:
    invitation, token = make_invitation(project=campaign, actor=alice, role="annotator")
    where = f"{PLACE}{invitation.pk}/end/"
    assert enter(rita).post(where).status_code == 403
    assert enter(oscar).post(where).status_code == 404
    assert enter(alice).get(where).status_code == 405
    assert "is ended" in enter(alice).post(where, follow=True).content.decode()
    assert Client().get(f"/join/{token}/").status_code == 404
    assert enter(alice).post(f"{PLACE}999999/end/").status_code == 404


def test_the_list_is_for_managers(campaign: Project, rita: User, oscar: User, alice: User) -> None:
    assert (enter(rita).get(PLACE).status_code, enter(oscar).get(PLACE).status_code) == (403, 404)
    bad = enter(alice).post(PLACE, {"role": "boss", "most_uses": 0, "days": 7})
    assert bad.status_code == 400
    assert not Invitation.objects.exists()
