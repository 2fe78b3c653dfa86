import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation.models import Project, Slot, User
from annotation.selectors.leases import PAGE_ROWS
from annotation.selectors.live_board import MOST_LEASES
from annotation.services.slots import acquire_task
from tests.factories import make_member, make_task

Enter = Callable[[User], Client]


def enter(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_live_part_is_sent_only_when_it_changed(
    campaign: Project, alice: User, bob: User, time_machine: Any
) -> None:
    time_machine.move_to(timezone.now(), tick=False)  # the chart of hours moves when the clock strikes
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


def test_every_lease_is_found_page_by_page(campaign: Project, alice: User, rita: User, bob: User) -> None:
    people = [make_member(campaign, name=f"person-{number:03}") for number in range(PAGE_ROWS + 3)]
    task = make_task(campaign)
    soon = timezone.now() + timedelta(hours=1)
    held = {"state": "leased", "lease_expires_at": soon, "leased_at": soon}
    Slot.objects.bulk_create(
        Slot(project=campaign, task=task, number=10 + number, annotator=person, lease_token=uuid4(), **held)
        for number, person in enumerate(people)
    )
    client, place = enter(rita), reverse("leases", args=[campaign.slug])
    first = client.get(place).content.decode()
    following = re.search(r"after=(\d+)", first)
    assert following is not None
    second = client.get(place, {"after": following[1]}).content.decode()
    found = [set(re.findall(r"person-\d+", page)) for page in (first, second)]
    assert [len(each) for each in found] == [PAGE_ROWS, 3]
    assert len(found[0] | found[1]) == PAGE_ROWS + 3
    assert set(re.findall(r"person-\d+", client.get(place, {"who": "PERSON-10"}).content.decode())) == {
        f"person-{number}" for number in range(100, 103)
    }
    board = client.get(reverse("board", args=[campaign.slug])).content.decode()
    assert (len(set(re.findall(r"person-\d+", board))), f"all {PAGE_ROWS + 3}" in board) == (MOST_LEASES, True)
    assert client.get(place, {"after": "x"}).status_code == 400
    assert enter(bob).get(place).status_code == 403
