from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from annotation.exceptions import ApplicationError, NotFound, NotPermitted
from annotation.models import AuditEvent, Invitation, InvitationUse, Membership, Project, User
from annotation.services.invitations import (
    find_invitation,
    join_as_new_user,
    join_project,
    make_invitation,
    revoke_invitation,
)
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db
PASSWORD = "quiet-harbour-lamp-9"


def invite(project: Project, actor: User, **fields: object) -> str:
    return make_invitation(project=project, actor=actor, **{"role": "annotator", **fields})[1]  # type: ignore[arg-type]


def test_a_link_lets_one_person_in_and_is_stored_as_a_digest(campaign: Project, alice: User, oscar: User) -> None:
    token = invite(campaign, alice)
    assert token not in str(Invitation.objects.values().get())
    assert join_project(token=token, user=oscar).role == "annotator"
    assert join_project(token=token, user=oscar).role == "annotator"
    with pytest.raises(NotFound, match="used up"):
        join_project(token=token, user=make_user())
    assert AuditEvent.objects.filter(action="join_project").count() == 1


def test_somebody_new_gets_an_account(campaign: Project, alice: User) -> None:
    user = join_as_new_user(token=invite(campaign, alice, role="reviewer"), username="nora", password=PASSWORD)
    assert user.check_password(PASSWORD)
    assert Membership.objects.get(user=user).role == "reviewer"


@pytest.mark.parametrize(
    ("account", "field"),
    [
        ({"username": "Alice"}, "username"), ({"username": "a/b"}, "username"), ({"username": " "}, "username"),
        ({"password": "short"}, "password"), ({"password": "1234567890123"}, "password"),
        ({"email": "ALICE@example.org"}, "email"), ({"username": "n\0ra"}, "username"),
    ],
)  # fmt: skip
def test_bad_accounts_are_refused_by_field_and_use_nothing_up(
    account: dict[str, str], field: str, campaign: Project, alice: User
) -> None:
    token = invite(campaign, alice)
    people = User.objects.count()
    with pytest.raises(ApplicationError) as caught:
        join_as_new_user(token=token, **{"username": "nora", "password": PASSWORD, **account})
    assert field in [fault["field"] for fault in caught.value.extra["faults"]]
    assert (User.objects.count(), InvitationUse.objects.count()) == (people, 0)


def test_ended_expired_and_wrong_links_say_the_same(campaign: Project, alice: User, oscar: User) -> None:
    ended, expired = invite(campaign, alice), invite(campaign, alice)
    rows = list(Invitation.objects.order_by("pk"))
    revoke_invitation(project=campaign, invitation_id=rows[0].pk, actor=alice)
    revoke_invitation(project=campaign, invitation_id=rows[0].pk, actor=alice)
    assert AuditEvent.objects.filter(action="revoke_invitation").count() == 1
    Invitation.objects.filter(pk=rows[1].pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    sentences = set()
    for token in (ended, expired, "wrong", "x" * 5000, "\ud800"):
        for attempt in (lambda t: find_invitation(token=t), lambda t: join_project(token=t, user=oscar)):
            with pytest.raises(NotFound) as caught:
                attempt(token)
            sentences.add(caught.value.message)
    assert len(sentences) == 1
    assert not Membership.objects.filter(user=oscar).exists()


def test_a_member_keeps_the_higher_role(campaign: Project, alice: User, bob: User, rita: User) -> None:
    token = invite(campaign, alice, role="reviewer", most_uses=2)
    assert join_project(token=token, user=alice).role == "manager"
    assert join_project(token=token, user=rita).role == "reviewer"
    assert join_project(token=token, user=bob).role == "reviewer"
    assert InvitationUse.objects.count() == 1


def test_who_was_taken_out_does_not_come_back_by_the_same_link(campaign: Project, alice: User, oscar: User) -> None:
    token = invite(campaign, alice, most_uses=5)
    join_project(token=token, user=oscar).delete()
    with pytest.raises(NotFound):
        join_project(token=token, user=oscar)


def test_only_managers_invite_into_their_own_project(campaign: Project, alice: User, rita: User, oscar: User) -> None:
    with pytest.raises(NotPermitted):
        invite(campaign, rita)
    with pytest.raises(NotFound):
        invite(campaign, oscar)
    invite(campaign, alice)
    other = make_project()
    other.memberships.create(user=alice, role="manager")
    with pytest.raises(NotFound):
        revoke_invitation(project=other, invitation_id=Invitation.objects.get().pk, actor=alice)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"role": "boss"}, "role"), ({"days": 0}, "days"), ({"days": 91}, "days"), ({"most_uses": 0}, "most_uses"),
     ({"most_uses": 1001}, "most_uses"), ({"label": "x" * 101}, "label")],
)  # fmt: skip
def test_bad_invitations_are_refused_by_field(
    fields: dict[str, object], field: str, campaign: Project, alice: User
) -> None:
    with pytest.raises(ApplicationError) as caught:
        invite(campaign, alice, **fields)
    assert caught.value.extra["field"] == field
    assert not Invitation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_last_place_goes_to_one_of_many_at_once(campaign: Project, alice: User) -> None:
    token = invite(campaign, alice, most_uses=2)
    people = [make_user() for _ in range(8)]
    start = Barrier(len(people))

    def come(person: User) -> None:
        try:
            start.wait()
            join_project(token=token, user=person)
        except NotFound:
            pass
        finally:
            connection.close()

    threads = [Thread(target=come, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Membership.objects.filter(user__in=people).count() == InvitationUse.objects.count() == 2
