from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from annotation.models import ApiToken, AuditEvent, Project, User
from annotation.services.tokens import issue_token, revoke_token
from tests.annotation.api.conftest import ClientOf

ME = "/api/v1/me"


def sign_in(client: APIClient, **changes: Any) -> Any:
    body = {"username": "bob", "password": "bob-password-1", "name": "notebook", **changes}
    return client.post("/api/v1/auth/token", {key: value for key, value in body.items() if value is not None})


def client_with(token: str, scheme: str = "Bearer") -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"{scheme} {token}")
    return client


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "bearer"])
def test_token_from_sign_in_opens_the_api(people: dict[str, User], scheme: str) -> None:
    response = sign_in(APIClient())

    assert response.status_code == 201, response.content
    me = client_with(response.json()["token"], scheme).get(ME)
    assert (me.status_code, me.json()["username"], me.json()["token_name"]) == (200, "bob", "notebook")


def test_token_is_stored_as_a_digest_only(people: dict[str, User]) -> None:
    plain = sign_in(APIClient()).json()["token"]

    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM annotation_apitoken t")
        tokens = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT row_to_json(e)::text FROM annotation_auditevent e")
        events = [row[0] for row in cursor.fetchall()]

    assert len(tokens) == 1
    secret = plain.split("_", 2)[2]
    assert not any(secret in row for row in [*tokens, *events])


def test_revoked_token_fails_on_the_next_request(people: dict[str, User]) -> None:
    token, plain = issue_token(user=people["bob"], name="test")
    client = client_with(plain)
    assert client.get(ME).status_code == 200

    revoke_token(actor=people["bob"], token=token)

    response = client.get(ME)
    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert response["WWW-Authenticate"] == "Bearer"


def test_expired_token_fails(people: dict[str, User]) -> None:
    token, plain = issue_token(user=people["bob"], name="test", expires_at=timezone.now() + timedelta(hours=1))
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert client_with(plain).get(ME).status_code == 401


def test_token_of_a_disabled_person_fails(people: dict[str, User]) -> None:
    _, plain = issue_token(user=people["bob"], name="test")
    User.objects.filter(pk=people["bob"].pk).update(is_active=False)

    assert client_with(plain).get(ME).status_code == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer concord_nonsense", f"Bearer {'x' * 300}"])
def test_odd_headers_are_refused(people: dict[str, User], header: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)

    response = client.get(ME)

    assert response.status_code == 401
    assert set(response.json()) == {"code", "message", "extra"}


def test_last_use_is_noted_at_most_once_a_minute(people: dict[str, User], django_assert_num_queries: Any) -> None:
    token, plain = issue_token(user=people["bob"], name="test")
    client = client_with(plain)
    client.get(ME)
    token.refresh_from_db()
    assert token.last_used_at is not None

    with django_assert_num_queries(2):  # the token with its person; whether they may make projects
        client.get(ME)


def test_token_can_give_itself_up(people: dict[str, User]) -> None:
    plain = sign_in(APIClient()).json()["token"]
    client = client_with(plain)

    assert client.delete("/api/v1/auth/token/current").status_code == 204
    assert client.get(ME).status_code == 401


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"username": "nobody"}])
def test_wrong_name_and_wrong_password_look_the_same(people: dict[str, User], changes: dict[str, str]) -> None:
    response = sign_in(APIClient(), **changes)

    assert response.status_code == 401
    assert response.json()["message"] == "Name or password is wrong."


@pytest.mark.parametrize("field", ["username", "password", "name"])
def test_sign_in_names_the_missing_field(people: dict[str, User], field: str) -> None:
    response = sign_in(APIClient(), **{field: None})

    assert response.status_code == 400
    assert [fault["field"] for fault in response.json()["extra"]["faults"]] == [field]


def test_sixth_try_in_a_minute_has_to_wait(people: dict[str, User], time_machine: Any) -> None:
    # Calls are counted in minutes of the clock, which must not strike in between.
    time_machine.move_to(timezone.now().replace(second=5, microsecond=0), tick=False)
    client = APIClient()
    for _ in range(5):
        assert sign_in(client, password="wrong").status_code == 401

    response = sign_in(client)

    assert (response.status_code, response.json()["code"]) == (429, "throttled")
    assert response["Retry-After"] == "55"
    assert sign_in(client, username="carol", password="carol-password-1").status_code == 201


def test_password_alone_does_not_pass_a_second_factor(people: dict[str, User]) -> None:
    Authenticator.objects.create(user=people["bob"], type=Authenticator.Type.TOTP, data={"secret": "x"})

    response = sign_in(APIClient())

    assert (response.status_code, response.json()["code"]) == (403, "second_factor_needed")
    assert not ApiToken.objects.exists()


def test_sign_in_leaves_a_trace(people: dict[str, User]) -> None:
    sign_in(APIClient())
    sign_in(APIClient(), password="wrong")

    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["issue_token", "fail_sign_in"]


def test_session_needs_the_csrf_token(project: Project, people: dict[str, User]) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(people["bob"])
    url = "/api/v1/projects/cooking/acquire"

    refused = client.post(url)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")

    client.cookies["csrftoken"] = "a" * 32
    assert client.post(url, headers={"X-CSRFToken": "a" * 32}).status_code == 200


def test_token_needs_no_csrf_token(project: Project, people: dict[str, User]) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_token(user=people['bob'], name='test')[1]}")

    assert client.post("/api/v1/projects/cooking/acquire").status_code == 200


def test_nobody_is_told_to_sign_in(client_of: ClientOf) -> None:
    response = APIClient().get(ME)

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
