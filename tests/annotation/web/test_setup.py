import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Criterion, Project, User
from annotation.presets import PRESETS
from annotation.web.quality_forms import QualityForm
from annotation.web.settings_form import GROUPS, SettingsForm

SCALE = {
    "name": "tone", "label": "Tone", "description": "How polite?", "minimum": "1", "maximum": "5", "step": "1",
    "anchor_lines": "1: rude\n5: kind",
}  # fmt: skip


@pytest.fixture
def client(campaign: Project, alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_leads_through_the_steps_to_an_open_project(preset: str, client: Client) -> None:
    form = {"name": "P", "slug": "p", "preset": preset, "judgments_per_task": 2}
    made = client.post(reverse("new_project"), form)
    assert made["Location"] == "/projects/p/setup/"
    project = Project.objects.get(slug="p")
    assert (project.is_open, project.guideline != "") == (False, True)
    assert "Open the project" in client.get("/projects/p/setup/").content.decode()
    client.post("/projects/p/setup/", {"is_open": "yes"})
    project.refresh_from_db()
    assert project.is_open


def test_a_criterion_is_made_changed_and_removed(client: Client, campaign: Project) -> None:
    assert client.post("/projects/campaign/setup/criteria/", SCALE).status_code == 302
    row = Criterion.objects.get()
    assert row.anchors == {"1": "rude", "5": "kind"}
    page = client.get(f"/projects/campaign/setup/criteria/{row.pk}/").content.decode()
    assert "1: rude\n5: kind" in page
    changed = {**SCALE, "label": "Voice", "anchor_lines": "1: rough"}
    assert client.post(f"/projects/campaign/setup/criteria/{row.pk}/", changed).status_code == 302
    row.refresh_from_db()
    assert (row.label, row.anchors) == ("Voice", {"1": "rough"})
    taken = client.post("/projects/campaign/setup/criteria/", SCALE)
    assert (taken.status_code, "this name" in taken.content.decode()) == (400, True)
    client.post(f"/projects/campaign/setup/criteria/{row.pk}/remove/")
    assert not Criterion.objects.exists()
    assert client.get(f"/projects/campaign/setup/criteria/{row.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"anchor_lines": "rude"}, "Line 1 should look like"),
        ({"anchor_lines": "1: a\nx: b"}, "Line 2 should look like"),
        ({"anchor_lines": "9: far"}, "9 is not between 1 and 5"), ({"maximum": "0"}, "above the lowest point"),
        ({"name": "a b"}, "no blanks"), ({"minimum": "x"}, "number"),
    ],
)  # fmt: skip
def test_a_bad_scale_is_refused_in_words(fields: dict[str, str], sentence: str, client: Client) -> None:
    page = client.post("/projects/campaign/setup/criteria/", {**SCALE, **fields})
    assert page.status_code == 400
    assert sentence in page.content.decode()
    assert not Criterion.objects.exists()


def test_every_setting_is_explained_and_saved(client: Client, campaign: Project) -> None:
    names = [name for _, _, group in GROUPS for name in group]
    form = SettingsForm(instance=campaign)
    assert all(form[name].help_text and form[name].label for name in names)
    values = {name: form[name].value() for name in names if form[name].value() is not None}
    sent = {
        **values,
        "name": "Renamed",
        "is_open": "on",
        "skips_per_day": "",
        "agreement_gate": "0.4",
        "reserve_slots": "2",
    }
    assert client.post("/projects/campaign/settings/", sent).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.name, campaign.skips_per_day, campaign.agreement_gate, campaign.reserve_slots) == (
        "Renamed", None, 0.4, 2,
    )  # fmt: skip
    bad = client.post("/projects/campaign/settings/", {**sent, "judgments_per_task": "0", "lease_seconds": "0"})
    assert bad.status_code == 400
    assert "greater than or equal to" in bad.content.decode()


def test_each_setting_has_one_page(campaign: Project, client: Client) -> None:
    general = {name for _, _, group in GROUPS for name in group}
    assert general & set(QualityForm.Meta.fields) == set()
    pages = {
        place: client.get(f"/projects/campaign/{place}").content.decode()
        for place in ("settings/", "quality/settings/")
    }
    assert "/projects/campaign/quality/settings/" in pages["settings/"]
    assert "/projects/campaign/settings/" in pages["quality/settings/"]
    assert all(QualityForm(instance=campaign)[name].help_text for name in QualityForm.Meta.fields)


def test_only_managers_set_up(campaign: Project, rita: User, oscar: User, client: Client) -> None:
    row = Criterion.objects.create(project=campaign, name="a", label="A")
    places = ["setup/", "setup/criteria/", f"setup/criteria/{row.pk}/", f"setup/criteria/{row.pk}/remove/"]
    for person, status in ((rita, 403), (oscar, 404)):
        other = Client()
        other.force_login(person)
        assert {other.post(f"/projects/campaign/{place}").status_code for place in places} == {status}
    assert client.get(f"/projects/campaign/setup/criteria/{row.pk}/remove/").status_code == 405
    assert client.post("/projects/campaign/setup/criteria/999999/remove/").status_code == 404
