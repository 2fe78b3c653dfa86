"""What people change through forms: projects, members, tokens, imports."""

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import ApiToken, Membership, Project, User


@pytest.fixture
def manager(client: Client, campaign: Project, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_upload_without_a_file_is_refused(manager: Client, campaign: Project) -> None:
    response = manager.post(reverse("data", args=[campaign.slug]))
    assert response.status_code == 400
    assert "This field is required" in response.content.decode()


def test_project_from_a_preset_brings_its_criteria(manager: Client) -> None:
    form = {"name": "Safe", "slug": "safe", "preset": "safety", "judgments_per_task": 2}
    assert manager.post(reverse("new_project"), form).status_code == 302
    project = Project.objects.get(slug="safe")
    assert project.kind == "scalar"
    assert project.criteria.get().anchors["1"] == "dangerous"


def test_taken_short_name_is_said_beside_its_field(manager: Client) -> None:
    form = {"name": "Again", "slug": "campaign", "preset": "helpfulness", "judgments_per_task": 2}
    response = manager.post(reverse("new_project"), form)
    assert response.status_code == 400
    assert "already a project" in response.context["form"].errors["slug"][0]


def test_annotator_makes_no_project(client: Client, campaign: Project, bob: User) -> None:
    client.force_login(bob)
    assert client.get(reverse("new_project")).status_code == 403


def test_member_is_added_by_e_mail(manager: Client, campaign: Project, oscar: User) -> None:
    manager.post(reverse("people", args=["campaign"]), {"who": "Oscar@example.org", "role": "reviewer"})
    assert Membership.objects.get(project=campaign, user=oscar).role == "reviewer"


@pytest.mark.parametrize(("who", "words"), [("nobody", "Nobody here"), ("bob", "a member already")])
def test_member_who_cannot_be_added(manager: Client, campaign: Project, who: str, words: str) -> None:
    response = manager.post(reverse("people", args=["campaign"]), {"who": who, "role": "annotator"})
    assert response.status_code == 400
    assert words in response.content.decode()


def test_role_is_changed_and_member_removed(manager: Client, campaign: Project, bob: User) -> None:
    place = reverse("change_member", args=["campaign"])
    manager.post(place, {"user": bob.pk, "role": "reviewer"})
    assert Membership.objects.get(project=campaign, user=bob).role == "reviewer"
    manager.post(place, {"user": bob.pk, "role": ""})
    assert not Membership.objects.filter(project=campaign, user=bob).exists()


def test_last_manager_stays(manager: Client, campaign: Project, alice: User) -> None:
    place = reverse("change_member", args=["campaign"])
    page = manager.post(place, {"user": alice.pk, "role": "annotator"}, follow=True)
    assert "last manager" in page.content.decode()
    assert Membership.objects.get(project=campaign, user=alice).role == "manager"


def test_reviewer_changes_nobody(client: Client, campaign: Project, rita: User, bob: User) -> None:
    client.force_login(rita)
    place = reverse("change_member", args=["campaign"])
    assert client.post(place, {"user": bob.pk, "role": "manager"}).status_code == 403


def test_token_is_shown_once_and_revoked(manager: Client, alice: User) -> None:
    response = manager.post(reverse("tokens"), {"name": "notebook", "days": "30"})
    plain = response.context["plain"]
    assert plain.startswith("concord_")
    assert plain in response.content.decode()
    assert plain not in manager.get(reverse("tokens")).content.decode()
    token = ApiToken.objects.get(user=alice)
    assert token.expires_at is not None
    manager.post(reverse("revoke_token", args=[token.pk]))
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_token_of_somebody_else_is_not_found(client: Client, manager: Client, bob: User) -> None:
    manager.post(reverse("tokens"), {"name": "mine", "days": ""})
    other = Client()
    other.force_login(bob)
    assert other.post(reverse("revoke_token", args=[ApiToken.objects.get().pk])).status_code == 404
