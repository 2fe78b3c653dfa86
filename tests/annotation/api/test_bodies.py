import gzip
from typing import Any

import pytest
from django.db import OperationalError
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.test import APIClient

from annotation.api.errors import handle_exception
from annotation.models import Project
from tests.annotation.api.conftest import ClientOf

PROJECTS = "/api/v1/projects"


def post(client: APIClient, body: bytes, content_type: str = "application/json", **headers: str) -> Any:
    return client.generic("POST", PROJECTS, body, content_type=content_type, headers=headers)


def test_what_is_no_json_is_named_by_line_and_column(project: Project, client_of: ClientOf) -> None:
    response = post(client_of("alice"), b'{"name": "x",\n "slug": oops}')

    assert (response.status_code, response.json()["code"]) == (400, "invalid_json")
    assert "line 2, column 10" in response.json()["message"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[" * 100_000, b'{"name": NaN}', b'{"name": "\xff"}', b'{"name": "\\ud800"}', b"null", b'"text"', b"[]"],
)
def test_odd_bodies_are_the_callers_fault(project: Project, client_of: ClientOf, body: bytes) -> None:
    response = post(client_of("alice"), body)

    assert response.status_code == 400, response.content
    assert set(response.json()) == {"code", "message", "extra"}


def test_body_over_the_limit_is_refused(project: Project, client_of: ClientOf, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1000

    response = post(client_of("alice"), b'{"name": "' + b"x" * 1000 + b'"}')

    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_ten_mebibytes_and_one_byte_are_too_many(project: Project, client_of: ClientOf) -> None:
    assert post(client_of("alice"), b" " * (10 * 1024 * 1024 + 1)).status_code == 413


def test_compressed_bodies_are_not_unpacked(project: Project, client_of: ClientOf) -> None:
    bomb = gzip.compress(b" " * 10_000_000)

    assert post(client_of("alice"), bomb, **{"Content-Encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_only_json_is_taken(project: Project, client_of: ClientOf, kind: str) -> None:
    assert post(client_of("alice"), b"name=x", kind).status_code == 415


def test_an_unforeseen_failure_tells_nothing_of_our_inside() -> None:
    response = handle_exception(RuntimeError("password=hunter2"), {})

    assert response.status_code == 500
    assert "hunter2" not in str(response.data)


def test_a_database_that_is_away_is_not_the_callers_fault() -> None:
    response = handle_exception(OperationalError("server closed the connection"), {})

    assert (response.status_code, response.data["code"]) == (503, "unavailable")


def test_faults_carry_the_path_of_their_field() -> None:
    required = [ErrorDetail("required")]

    response = handle_exception(ValidationError({"criteria": [{}, {"name": required}], "slug": required}), {})

    assert response.data["extra"]["faults"] == [
        {"field": "criteria[1].name", "message": "required"},
        {"field": "slug", "message": "required"},
    ]
