from datetime import timedelta

import pytest
from django.utils import timezone

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import ApiToken, AuditEvent, User
from annotation.services.tokens import digest_token, issue_token, revoke_token
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_token_is_shown_once_and_stored_as_a_digest(bob: User) -> None:
    token, plain = issue_token(user=bob, name=" laptop ")
    assert plain.startswith(f"concord_{token.prefix}")
    assert (token.name, token.digest) == ("laptop", digest_token(plain))
    stored = str(ApiToken.objects.values().get()) + str(list(AuditEvent.objects.values()))
    assert plain not in stored
    assert plain.rpartition("_")[2] not in stored


def test_a_revoked_token_stays_revoked(bob: User) -> None:
    token, _ = issue_token(user=bob, name="laptop")
    revoke_token(actor=bob, token=token)
    first = token.revoked_at
    revoke_token(actor=bob, token=token)
    assert token.revoked_at == first is not None
    assert AuditEvent.objects.filter(action="revoke_token").count() == 1


def test_nobody_revokes_the_token_of_another(bob: User, alice: User) -> None:
    token, _ = issue_token(user=bob, name="laptop")
    with pytest.raises(NotFound):
        revoke_token(actor=alice, token=token)
    token.refresh_from_db()
    assert token.revoked_at is None


def test_tokens_need_a_name_a_future_and_somebody_who_can_sign_in(bob: User) -> None:
    with pytest.raises(ApplicationError, match="name"):
        issue_token(user=bob, name="  ")
    with pytest.raises(ApplicationError, match="expired"):
        issue_token(user=bob, name="x", expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ApplicationError, match="cannot sign in"):
        issue_token(user=make_user(origin="simulated"), name="x")
