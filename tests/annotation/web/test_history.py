"""What I said about a task, from the first answer to the one that counts; nobody else's."""

import pytest
from django.test import Client

from annotation.models import Judgment, Project, User
from annotation.services.judgments import amend_judgment, submit_judgment
from annotation.services.slots import Lease, acquire_task
from tests.factories import make_task, ranking


@pytest.fixture
def judgment(campaign: Project, bob: User) -> Judgment:
    make_task(campaign, "pq")
    lease = acquire_task(project=campaign, annotator=bob)
    assert isinstance(lease, Lease)
    first, second = lease.shown_order
    made = submit_judgment(
        annotator=bob, task_id=lease.task.pk, lease_token=lease.token, idempotency_key="k",
        answer=ranking(first, second, strength=[2], rationale="**Clear**"),
    )  # fmt: skip
    changed = ranking(second, first, bad=[first], rationale="")
    return amend_judgment(annotator=bob, judgment_id=made.pk, answer=changed, reason="<b>Slip</b>")


def test_every_revision_is_shown_in_letters(client: Client, bob: User, judgment: Judgment) -> None:
    client.force_login(bob)
    page = client.get(f"/judgments/{judgment.pk}/history/").content.decode()
    assert page.index("B › A; not acceptable: A") < page.index("A ›› B")
    assert "changed because: &lt;b&gt;Slip&lt;/b&gt;" in page
    assert "<strong>Clear</strong>" in page
    assert "model-" not in page
    old = client.get(f"/judgments/{judgment.supersedes_id}/history/").content.decode()
    assert old.count("Revision ") == 2
    assert f"/judgments/{judgment.pk}/history/" in client.get("/").content.decode()


@pytest.mark.parametrize("who", ["carol", "alice", "oscar"])
def test_history_of_others_is_not_there(
    client: Client, judgment: Judgment, who: str, request: pytest.FixtureRequest
) -> None:
    client.force_login(request.getfixturevalue(who))
    assert client.get(f"/judgments/{judgment.pk}/history/").status_code == 404
