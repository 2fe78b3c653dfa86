import pytest
from django.test import Client

from annotation.exceptions import ApplicationError, Conflict, NotPermitted
from annotation.models import GuidelineVersion, Project, User
from annotation.selectors.guidelines import version_last_worked_under
from annotation.services.guidelines import write_guideline
from annotation.services.projects import create_project
from tests.annotation.selectors.test_boards import judge_next
from tests.factories import make_task

pytestmark = pytest.mark.django_db
PLACE = "/projects/campaign/guideline/"


def enter(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_each_change_is_a_version_and_the_same_text_is_none(campaign: Project, alice: User) -> None:
    first = write_guideline(project=campaign, text="Be **kind**.", version=1, actor=alice, note="A start.")
    again = write_guideline(project=campaign, text="Be **kind**.\r\n", version=1, actor=alice)
    assert (first.number, again, first.note) == (2, first, "A start.")
    campaign.refresh_from_db()
    assert (campaign.guideline, campaign.guideline_version) == ("Be **kind**.", 2)


def test_two_writers_do_not_overwrite_each_other(campaign: Project, alice: User) -> None:
    write_guideline(project=campaign, text="One.", version=1, actor=alice)
    with pytest.raises(Conflict, match="version 2"):
        write_guideline(project=campaign, text="Two.", version=1, actor=alice)
    page = enter(alice).post(f"{PLACE}edit/", {"text": "Two.", "version": 1})
    assert page.status_code == 400
    assert ">Two.</textarea>" in page.content.decode()


def test_wrong_texts_and_people_are_refused(campaign: Project, alice: User, rita: User) -> None:
    for bad in ({"text": "x" * 100_001}, {"text": "a\0"}, {"text": "a", "note": "n" * 301}):
        with pytest.raises(ApplicationError):
            write_guideline(project=campaign, version=1, actor=alice, **bad)
    with pytest.raises(NotPermitted):
        write_guideline(project=campaign, text="x", version=1, actor=rita)
    assert not GuidelineVersion.objects.exists()


def test_a_new_project_keeps_its_first_version(alice: User) -> None:
    alice.is_staff = True
    project = create_project(name="P", slug="p", kind="ranking", created_by=alice, guideline="One.")
    assert project.guideline_versions.get().text == "One."


def test_a_change_is_news_to_who_worked_before_it(campaign: Project, alice: User, bob: User, carol: User) -> None:
    for _ in range(2):
        make_task(campaign)
    write_guideline(project=campaign, text="Be kind.", version=1, actor=alice)
    campaign.refresh_from_db()
    judge_next(campaign, bob)
    write_guideline(project=campaign, text="Be just.", version=2, actor=alice, note="Justice first.")
    campaign.refresh_from_db()
    assert version_last_worked_under(user=bob, project=campaign) == 2
    assert version_last_worked_under(user=carol, project=campaign) is None
    page = enter(bob).get(PLACE).content.decode()
    assert "<del>kind</del><ins>just</ins>" in page
    assert "Justice first." in page
    assert "alice" not in page
    for where in ("/projects/campaign/", "/projects/campaign/judge/"):
        assert "Guideline changed" in enter(bob).get(where).content.decode()
        assert "Guideline changed" not in enter(carol).get(where).content.decode()
    judge_next(campaign, bob)
    assert version_last_worked_under(user=bob, project=campaign) is None


def test_versions_differ_and_old_ones_that_were_not_kept_say_so(campaign: Project, alice: User, bob: User) -> None:
    write_guideline(project=campaign, text="<script>alert(1)</script> one", version=1, actor=alice)
    client = enter(bob)
    page = client.get(f"{PLACE}2/")
    assert "<script>alert" not in page.content.decode()
    assert client.get(f"{PLACE}1/").status_code == 404
    assert client.get(f"{PLACE}9/").status_code == 404


def test_a_preview_stores_nothing(campaign: Project, alice: User, bob: User) -> None:
    shown = enter(alice).post(f"{PLACE}preview/", {"text": "**bold** <b>x</b>"}).content.decode()
    assert "<strong>bold</strong>" in shown
    assert "<b>" not in shown
    assert enter(bob).post(f"{PLACE}preview/", {"text": "x"}).status_code == 403
    assert enter(alice).get(f"{PLACE}preview/").status_code == 405
    assert not GuidelineVersion.objects.exists()


def test_the_form_writes_a_version(campaign: Project, alice: User) -> None:
    done = enter(alice).post(f"{PLACE}edit/", {"text": "New.", "note": "n", "version": 1}, follow=True)
    assert "Version 2 stands" in done.content.decode()
