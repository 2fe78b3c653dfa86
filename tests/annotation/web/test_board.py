import re
from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from annotation.models import Project, Slot, User
from annotation.services.slots import acquire_task
from tests.factories import make_task

Enter = Callable[[User], Client]


def enter(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_live_part_is_sent_only_when_it_changed(campaign: Project, alice: User, bob: User) -> None:
    make_task(campaign, text="Why is the sky blue?")
    client = enter(alice)
    page = client.get(reverse("board", args=[campaign.slug])).content.decode()
    seen = re.search(r"seen=(\w+)", page)
    assert seen is not None
    place = reverse("board_live", args=[campaign.slug])
    assert client.get(place, {"seen": seen[1]}).status_code == 204
    acquire_task(project=campaign, annotator=bob)
    changed = client.get(place, {"seen": seen[1]})
    assert changed.status_code == 200
    assert "Why is the sky blue?" in changed.content.decode()


def test_a_manager_releases_a_lease(campaign: Project, alice: User, bob: User, rita: User) -> None:
    make_task(campaign)
    acquire_task(project=campaign, annotator=bob)
    slot = Slot.objects.get(annotator=bob)
    place = reverse("release_lease", args=[campaign.slug])
    assert enter(rita).post(place, {"slot": slot.pk}).status_code == 403
    assert enter(alice).get(place).status_code == 405
    for nonsense in ("", "x", "-1", "9" * 30, "²"):
        assert enter(alice).post(place, {"slot": nonsense}).status_code == 404
    client = enter(alice)
    assert "Released" in client.post(place, {"slot": slot.pk}, follow=True).content.decode()
    slot.refresh_from_db()
    assert slot.state == "free"
    assert "Nobody holds" in client.post(place, {"slot": slot.pk}, follow=True).content.decode()


def test_a_reviewer_sees_no_release_button(campaign: Project, rita: User, bob: User) -> None:
    make_task(campaign)
    acquire_task(project=campaign, annotator=bob)
    assert "Release" not in enter(rita).get(reverse("board", args=[campaign.slug])).content.decode()
