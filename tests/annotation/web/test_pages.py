"""Who may open which page, and what each shows with nothing, one row and everything."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from annotation.models import Judgment, Project, User
from annotation.services.judgments import submit_judgment
from annotation.services.reports import refresh_agreement_report
from annotation.services.slots import Lease, acquire_task
from annotation.services.task_texts import index_task_texts
from tests.factories import make_task, ranking

# Name, what it needs besides the project's slug, and the lowest role that sees it.
PAGES = {
    "project": "annotator", "judge": "annotator", "board": "reviewer", "board_live": "reviewer",
    "tasks": "reviewer", "task": "reviewer", "verdict": "reviewer", "adjudication": "reviewer",
    "guideline": "annotator", "edit_guideline": "manager", "invitations": "manager", "setup": "manager",
    "new_criterion": "manager", "agreement": "reviewer",
    "people": "reviewer", "data": "manager", "imports": "manager", "project_settings": "manager",
    "kept_answers": "manager",
}  # fmt: skip
RANKS = {"annotator": 1, "reviewer": 2, "manager": 3}


def judge_next(project: Project, annotator: User, order: str = "ab") -> Judgment:
    lease = acquire_task(project=project, annotator=annotator)
    assert isinstance(lease, Lease)
    return submit_judgment(
        annotator=annotator, task_id=lease.task.pk, lease_token=lease.token, answer=ranking(*order),
        idempotency_key=f"{annotator.pk}-{lease.token}",
    )  # fmt: skip


@pytest.fixture
def enter() -> Callable[[User], Client]:
    def give_client(person: User) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return give_client


def address(name: str, project: Project) -> str:
    if name in ("task", "verdict"):
        return reverse(name, args=[project.slug, make_task(project).pk])
    return reverse(name, args=[project.slug])


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", RANKS)
def test_page_opens_from_its_role_on(
    name: str, role: str, campaign: Project, alice: User, rita: User, bob: User, enter: Callable[[User], Client]
) -> None:
    person = {"annotator": bob, "reviewer": rita, "manager": alice}[role]
    expected = 200 if RANKS[role] >= RANKS[PAGES[name]] else 403
    assert enter(person).get(address(name, campaign)).status_code == expected


@pytest.mark.parametrize("name", PAGES)
def test_outsider_finds_nothing(name: str, campaign: Project, oscar: User, enter: Callable[[User], Client]) -> None:
    assert enter(oscar).get(address(name, campaign)).status_code == 404


@pytest.mark.parametrize("name", [*PAGES, "work", "tokens", "new_project"])
def test_anonymous_is_asked_to_sign_in(name: str, campaign: Project) -> None:
    place = address(name, campaign) if name in PAGES else reverse(name)
    response = Client().get(place)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", PAGES)
def test_wrong_method_is_refused(name: str, campaign: Project, alice: User, enter: Callable[[User], Client]) -> None:
    assert enter(alice).delete(address(name, campaign)).status_code == 405


def test_work_of_somebody_new(oscar: User, enter: Callable[[User], Client]) -> None:
    page = enter(oscar).get("/").content.decode()
    assert "You are in no project yet" in page
    assert "oscar" in page


def test_work_shows_what_waits_and_what_was_done(campaign: Project, bob: User, enter: Callable[[User], Client]) -> None:
    make_task(campaign)
    make_task(campaign)
    judgment = judge_next(campaign, bob)
    page = enter(bob).get("/").content.decode()
    assert "Start ranking" in page
    assert reverse("edit_judgment", args=[judgment.pk]) in page


def test_work_without_waiting_tasks_offers_no_start(
    campaign: Project, bob: User, enter: Callable[[User], Client]
) -> None:
    assert "Start ranking" not in enter(bob).get("/").content.decode()


def test_only_ones_own_judgment_can_be_edited(
    campaign: Project, bob: User, carol: User, enter: Callable[[User], Client]
) -> None:
    make_task(campaign)
    place = reverse("edit_judgment", args=[judge_next(campaign, bob).pk])
    assert enter(bob).get(place).status_code == 200
    assert enter(carol).get(place).status_code == 404


def test_empty_project_names_the_next_steps(campaign: Project, alice: User, enter: Callable[[User], Client]) -> None:
    assert "Bring prompts with responses" in enter(alice).get(address("project", campaign)).content.decode()


def test_overview_of_an_annotator_shows_nothing_of_others(
    campaign: Project, bob: User, carol: User, enter: Callable[[User], Client]
) -> None:
    make_task(campaign)
    judge_next(campaign, carol)
    page = enter(bob).get(address("project", campaign)).content.decode()
    assert "Your part" in page
    assert "Agreement" not in page


def test_task_shows_ladders_sources_and_pseudonyms(
    campaign: Project, rita: User, bob: User, carol: User, enter: Callable[[User], Client]
) -> None:
    task = make_task(campaign)
    judge_next(campaign, bob, "ba")
    judge_next(campaign, carol, "ab")
    page = enter(rita).get(reverse("task", args=[campaign.slug, task.pk])).content.decode()
    assert "model-a" in page
    assert bob.pseudonym in page
    assert "bob" not in page
    assert re.findall(r'chip-s">([AB])</span></span>', page) == ["B", "A", "A", "B"]


def test_task_of_another_project_is_not_found(campaign: Project, alice: User, enter: Callable[[User], Client]) -> None:
    other = Project.objects.create(slug="other", name="Other", kind="ranking")
    place = reverse("task", args=[campaign.slug, make_task(other).pk])
    assert enter(alice).get(place).status_code == 404


def test_manager_pauses_a_task_reviewer_may_not(
    campaign: Project, alice: User, rita: User, enter: Callable[[User], Client]
) -> None:
    task = make_task(campaign)
    place = reverse("task", args=[campaign.slug, task.pk])
    enter(rita).post(place, {"state": "paused"})
    task.refresh_from_db()
    assert task.state == "open"
    enter(alice).post(place, {"state": "paused"})
    task.refresh_from_db()
    assert task.state == "paused"


def test_tasks_are_filtered_by_text_and_state(campaign: Project, rita: User, enter: Callable[[User], Client]) -> None:
    make_task(campaign, text="Why is the sky blue?", external_id="sky")
    make_task(campaign, text="Why is grass green?", external_id="grass")
    index_task_texts()
    client, place = enter(rita), address("tasks", campaign)
    page = client.get(place, {"search": "sky"}).content.decode()
    assert "Why is the sky" in page
    assert "grass" not in page
    assert "No task fits" in client.get(place, {"state": "complete"}).content.decode()


def test_unknown_state_is_named(campaign: Project, rita: User, enter: Callable[[User], Client]) -> None:
    response = enter(rita).get(address("tasks", campaign), {"state": "asleep"})
    assert response.status_code == 400
    assert "asleep" in response.content.decode()


def test_agreement_before_any_judgment(campaign: Project, rita: User, enter: Callable[[User], Client]) -> None:
    client = enter(rita)
    assert "no judgments to compare yet" in client.get(address("agreement", campaign)).content.decode()
    refresh_agreement_report(project=campaign)
    assert "no judgments to compare yet" in client.get(address("agreement", campaign)).content.decode()
    assert "Nothing to compare yet" in client.get(address("project", campaign)).content.decode()


def test_agreement_without_overlap_shows_no_number(
    campaign: Project, rita: User, bob: User, enter: Callable[[User], Client]
) -> None:
    make_task(campaign)
    judge_next(campaign, bob)
    refresh_agreement_report(project=campaign)
    page = enter(rita).get(address("agreement", campaign)).content.decode()
    assert "Not enough overlap" in page
    assert not re.search(r"\bnan\b", page, re.IGNORECASE)


def test_agreement_of_two_people(
    campaign: Project, rita: User, bob: User, carol: User, enter: Callable[[User], Client]
) -> None:
    for _ in range(4):
        make_task(campaign)
    for number in range(4):
        judge_next(campaign, bob, "ab" if number % 2 else "ba")
        judge_next(campaign, carol, "ab" if number % 2 else "ba")
    refresh_agreement_report(project=campaign)
    page = enter(rita).get(address("agreement", campaign)).content.decode()
    assert "People agree very well on which response is better." in page
    assert 'class="ci"' in page


def test_missing_page_is_ours(db: None) -> None:
    response = Client().get("/no-such-page/")
    assert response.status_code == 404
    assert "Nothing here" in response.content.decode()


def test_stale_form_is_explained(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    response = client.post(reverse("tokens"), {"name": "x"})
    assert response.status_code == 403
    assert "form was too old" in response.content.decode()


def test_sign_in_and_out_pages_have_our_look(alice: User, enter: Callable[[User], Client]) -> None:
    assert "css/tokens.css" in Client().get(reverse("account_login")).content.decode()
    assert "css/tokens.css" in Client().get(reverse("account_reset_password")).content.decode()
    for name in ("account_logout", "account_change_password", "mfa_index"):
        assert "css/tokens.css" in enter(alice).get(reverse(name), follow=True).content.decode()


def test_page_forbids_inline_script(campaign: Project, bob: User, enter: Callable[[User], Client]) -> None:
    response = enter(bob).get(address("judge", campaign))
    assert "default-src 'self'" in response["Content-Security-Policy"]
    page = response.content.decode()
    assert not re.search(r'<script(?![^>]*(?:\bsrc=|type="application/json"))', page)
    assert " style=" not in page
    assert not re.search(r"\son[a-z]+=", page)


@pytest.mark.parametrize(
    "query",
    [
        "page=abc",
        "page=-1",
        f"page={10**30}",
        f"page={'9' * 5000}",
        "state=zzz",
        "state=%00",
        "search=a%00",
        "origin=%00",
    ],
)
def test_odd_queries_break_no_page(campaign: Project, rita: User, enter: Callable[[User], Client], query: str) -> None:
    make_task(campaign)
    expected = 400 if query == "state=zzz" else 200

    assert enter(rita).get(f"{reverse('tasks', args=[campaign.slug])}?{query}").status_code == expected
    assert enter(rita).get(f"{reverse('work')}?{query}").status_code == 200


@pytest.mark.parametrize("query", ["show=zzz", "after=x", "before=%00", "after=9~9"])
def test_an_unreadable_place_in_my_work_is_named(bob: User, enter: Callable[[User], Client], query: str) -> None:
    response = enter(bob).get(f"{reverse('work')}?{query}")
    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()


@pytest.mark.parametrize("name", ["task", "edit_judgment", "run", "model_version"])
def test_numbers_past_every_id_are_no_page(
    name: str, campaign: Project, alice: User, enter: Callable[[User], Client]
) -> None:
    arguments = [campaign.slug, 10**30] if name == "task" else [10**30]
    assert enter(alice).get(reverse(name, args=arguments)).status_code == 404


def test_an_upload_over_the_limit_is_refused_with_the_way_out(
    campaign: Project, alice: User, enter: Callable[[User], Client], settings: Any
) -> None:
    settings.MAX_IMPORT_BYTES = 1024
    file = SimpleUploadedFile("feedback.jsonl", b" " * 1025)

    answer = enter(alice).post(reverse("data", args=[campaign.slug]), {"file": file})

    assert answer.status_code == 400
    assert "longer than 1,024 bytes" in answer.content.decode()
