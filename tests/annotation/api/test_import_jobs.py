"""Imports as jobs over the API."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from annotation.models import ImportJob, Project, Prompt
from annotation.services.import_running import run_import
from tests.annotation.api.conftest import ClientOf
from tests.annotation.api.test_imports import prompts, to_lines

URL = "/api/v1/projects/cooking/imports"
CSV = b"id,question,answer_a,answer_b,winner\n1,Why?,So.,Thus.,a\n2,How?,So.,Thus.,tie\n"

# The job's heartbeats come from a connection of their own.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("imports_folder")]


def upload(client: Any, body: bytes, name: str = "x.csv", kind: str = "application/octet-stream") -> Any:
    return client.generic("POST", f"{URL}?file_name={name}", body, content_type=kind)


@pytest.mark.parametrize("kind", ["application/octet-stream", "text/csv", "application/gzip", "application/json"])
def test_a_file_is_uploaded_started_and_followed(project: Project, client_of: ClientOf, kind: str) -> None:
    alice = client_of("alice")
    body = gzip.compress(CSV) if kind == "application/gzip" else CSV
    job = upload(alice, body, kind=kind).json()
    assert (job["state"], job["file_name"], job["size_bytes"]) == ("uploaded", "x.csv", len(body))
    assert "stored_name" not in job

    started = alice.post(f"/api/v1/imports/{job['id']}/start", {"format": "csv"})
    assert (started.status_code, started.json()["state"]) == (202, "queued")
    assert run_import(import_job_id=job["id"]) == "succeeded"

    done = alice.get(f"/api/v1/imports/{job['id']}").json()
    assert (done["state"], done["counts"]["tasks"], done["counts"]["judgments"]) == ("succeeded", 2, 2)
    assert [row["id"] for row in alice.get(URL).json()["results"]] == [job["id"]]
    assert Prompt.objects.filter(project=project, external_id__in=["1", "2"]).count() == 2


def test_columns_are_mapped_and_a_dry_run_keeps_nothing(project: Project, client_of: ClientOf) -> None:
    alice = client_of("alice")
    job = upload(alice, b"p,x,y\nWhy?,So.,Thus.\n").json()["id"]
    mapping = {"p": "prompt", "x": "response.a", "y": "response.b"}
    alice.post(f"/api/v1/imports/{job}/start", {"format": "csv", "mapping": mapping, "dry_run": True})
    run_import(import_job_id=job)
    done = alice.get(f"/api/v1/imports/{job}").json()
    assert (done["state"], done["counts"]["tasks"], done["is_dry_run"]) == ("succeeded", 1, True)
    assert not Prompt.objects.filter(messages__0__content="Why?").exists()


def test_errors_come_with_line_and_field(project: Project, client_of: ClientOf) -> None:
    alice = client_of("alice")
    items = prompts(9)
    del items[6]["responses"][0]["id"]
    job = upload(alice, to_lines(items)).json()["id"]
    alice.post(f"/api/v1/imports/{job}/start", {})
    assert run_import(import_job_id=job) == "failed"
    found = alice.get(f"/api/v1/imports/{job}/errors").json()
    assert (found["count"], found["faults"][0]) == (
        1,
        {"line": 7, "field": "responses[0].id", "message": "is missing"},
    )


@pytest.mark.parametrize(
    "body",
    [{"format": "poem"}, {"mapping": {"id": "poem"}}, {"mapping": ["id"]}, {"map": {}}, {"format": "hh"}],
)
def test_wishes_that_do_not_fit_are_refused(project: Project, client_of: ClientOf, body: dict[str, Any]) -> None:
    alice = client_of("alice")
    job = upload(alice, CSV if body != {"format": "hh"} else b"{}").json()["id"]
    response = alice.post(f"/api/v1/imports/{job}/start", body)
    if body == {"format": "hh"}:  # it can be read in that form, only that no record fits
        assert run_import(import_job_id=job) == "failed"
    else:
        assert (response.status_code, set(response.json())) == (400, {"code", "message", "extra"})
        assert ImportJob.objects.get().state == "uploaded"


def test_an_upload_over_the_limit_is_refused(
    project: Project, client_of: ClientOf, settings: Any, imports_folder: Path
) -> None:
    settings.MAX_IMPORT_BYTES = 1024
    response = upload(client_of("alice"), bytes(2000))
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert upload(client_of("alice"), bytes(2 * 1024 * 1024)).status_code == 413
    assert not ImportJob.objects.exists()
    assert not [path for path in imports_folder.rglob("*") if path.is_file()]


def test_a_path_in_the_name_is_only_a_name(project: Project, client_of: ClientOf, imports_folder: Path) -> None:
    job = upload(client_of("alice"), CSV, name="..%2F..%2Fetc%2Fpasswd").json()
    assert job["file_name"] == "passwd"
    (stored,) = [path for path in imports_folder.rglob("*") if path.is_file()]
    assert stored.parent == imports_folder / "imports"


def test_a_cancelled_import_can_be_started_again(project: Project, client_of: ClientOf) -> None:
    alice = client_of("alice")
    job = upload(alice, CSV).json()["id"]
    assert alice.post(f"/api/v1/imports/{job}/cancel").json()["state"] == "cancelled"
    assert alice.post(f"/api/v1/imports/{job}/cancel").status_code == 409
    assert alice.post(f"/api/v1/imports/{job}/start", {}).status_code == 202
    assert run_import(import_job_id=job) == "succeeded"
