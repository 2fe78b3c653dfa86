import pytest
from django.test import Client

from annotation.models import Flag, Project, Task, TaskSplit, User, Verdict
from annotation.services.judgments import amend_judgment
from tests.annotation.selectors.test_boards import judge_next
from tests.factories import make_task, ranking


@pytest.fixture
def task(campaign: Project, bob: User, carol: User) -> Task:
    task = make_task(campaign, external_id="q-1")
    judge_next(campaign, bob)
    judge_next(campaign, carol)
    TaskSplit.objects.create(task=task, project=campaign, disagreement=0.4)
    return task


def enter(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def place(task: Task) -> str:
    return f"/projects/campaign/tasks/{task.pk}/verdict/"


def form(task: Task, **fields: str) -> dict[str, object]:
    seen = list(task.judgments.filter(is_current=True).values_list("pk", flat=True))
    return {"seen": seen, "rank-A": "2", "rank-B": "1", "reason": "Because.", "outcome": "answer", **fields}


def test_a_reviewer_decides_without_names_and_sources(task: Task, rita: User, bob: User) -> None:
    page = enter(rita).get(place(task)).content.decode()
    for hidden in (bob.pseudonym, bob.username, "model-a", "model-b"):
        assert hidden not in page
    done = enter(rita).post(place(task), form(task, **{"bad-A": "yes"}))
    assert done["Location"] == "/projects/campaign/adjudication/?why=disagreement"
    verdict = Verdict.objects.get()
    assert verdict.answer is not None
    assert (verdict.answer["tiers"], verdict.answer["bad"]) == ([["b"], ["a"]], ["a"])


def test_the_next_task_follows(task: Task, campaign: Project, rita: User) -> None:
    other = make_task(campaign)
    TaskSplit.objects.create(task=other, project=campaign, disagreement=0.1)
    done = enter(rita).post(place(task), form(task))
    assert done["Location"] == f"{place(other)}?why=disagreement"


def test_what_was_typed_survives_a_refusal(task: Task, rita: User) -> None:
    refused = enter(rita).post(place(task), form(task, seen="", reason="A long thought."))
    assert refused.status_code == 400
    text = refused.content.decode()
    assert "judged the task since" in text
    assert "A long thought." in text
    assert '<option value="2" selected>' in text
    assert "rank of A is a number" in enter(rita).post(place(task), form(task, **{"rank-A": "9"})).content.decode()


def test_one_persons_answer_fills_the_form(task: Task, rita: User) -> None:
    assert '<option value="1" selected>' not in enter(rita).get(place(task)).content.decode()
    assert '<option value="1" selected>' in enter(rita).get(place(task) + "?from=2").content.decode()
    for odd in ("3", "0", "x", "99999999", "²"):
        assert enter(rita).get(place(task), {"from": odd}).status_code == 200


def test_a_score_is_decided_too(campaign: Project, rita: User) -> None:
    scores = Project.objects.create(slug="scores", name="Scores", kind="scalar")
    scores.memberships.create(user=rita, role="reviewer")
    scores.criteria.create(name="tone", label="Tone")
    task = make_task(scores, "a")
    where = f"/projects/scores/tasks/{task.pk}/verdict/"
    sent = {"outcome": "answer", "reason": "r", "score-tone-A": "4"}
    assert "not 'high'" in enter(rita).post(where, {**sent, "score-tone-A": "high"}).content.decode().replace(
        "&#x27;", "'"
    )
    assert enter(rita).post(where, sent).status_code == 302
    verdict = Verdict.objects.get()
    assert verdict.answer is not None
    assert verdict.answer["scores"] == {"tone": {"a": 4.0}}


def test_flags_are_resolved_on_the_task_page(task: Task, bob: User, rita: User) -> None:
    flag = Flag.objects.create(task=task, annotator=bob, reason="<b>odd</b>")
    client = enter(rita)
    assert "&lt;b&gt;odd" in client.get(f"/projects/campaign/tasks/{task.pk}/").content.decode()
    where = f"/projects/campaign/flags/{flag.pk}/resolve/"
    assert client.get(where).status_code == 405
    assert "The flag is resolved" in client.post(where, follow=True).content.decode()
    assert enter(bob).post(where).status_code == 403
    assert client.post("/projects/campaign/flags/999999/resolve/").status_code == 404


def test_the_task_page_shows_history_and_everybodys_order(task: Task, bob: User, rita: User) -> None:
    judgment = task.judgments.get(annotator=bob)
    amend_judgment(
        annotator=bob, judgment_id=judgment.pk, answer=ranking("b", "a"), reason="I misread it", idempotency_key="again"
    )
    page = enter(rita).get(f"/projects/campaign/tasks/{task.pk}/").content.decode()
    for expected in ("revision 2", "before: revision 1", "I misread it", "Mean rank", "1.5"):
        assert expected in page
