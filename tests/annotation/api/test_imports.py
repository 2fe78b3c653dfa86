import json
from typing import Any

import pytest

from annotation.models import Project, Prompt, Task
from tests.annotation.api.conftest import ClientOf

URL = "/api/v1/projects/cooking/tasks/import"


def prompts(number: int = 10) -> list[dict[str, Any]]:
    return [
        {
            "external_id": f"new-{index}",
            "kind": "ranking",
            "prompt": "How?",
            "responses": [{"id": "a", "text": "So."}, {"id": "b", "text": "Thus."}],
        }
        for index in range(number)
    ]


def to_lines(items: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


@pytest.mark.parametrize("kind", ["application/jsonl", "application/x-ndjson"])
def test_json_lines_are_imported(project: Project, client_of: ClientOf, kind: str) -> None:
    response = client_of("alice").generic("POST", URL, to_lines(prompts()), content_type=kind)

    assert response.status_code == 200, response.content
    assert (response.json()["prompts"], response.json()["tasks"]) == (10, 10)
    assert Task.objects.filter(external_id="new-9", slots__number=2).exists()


def test_json_list_is_imported_and_again_changes_nothing(project: Project, client_of: ClientOf) -> None:
    alice = client_of("alice")

    first, second = alice.post(URL, prompts()), alice.post(URL, prompts())

    assert (first.json()["prompts"], second.json()["prompts"], second.json()["skipped"]) == (10, 0, 10)
    assert Prompt.objects.filter(project=project, external_id__startswith="new-").count() == 10


@pytest.mark.parametrize("as_list", [True, False])
def test_broken_line_7_is_named_and_nothing_is_stored(project: Project, client_of: ClientOf, as_list: bool) -> None:
    items = prompts()
    del items[6]["responses"][0]["id"]
    alice = client_of("alice")

    if as_list:
        response = alice.post(URL, items)
    else:
        response = alice.generic("POST", URL, to_lines(items), content_type="application/jsonl")

    assert (response.status_code, response.json()["code"]) == (400, "invalid_import")
    fault = response.json()["extra"]["faults"][0]
    assert (fault["line"], fault["field"]) == (7, "responses[0].id")
    assert not Prompt.objects.filter(external_id__startswith="new-").exists()


def test_line_that_is_no_json_is_named(project: Project, client_of: ClientOf) -> None:
    body = to_lines(prompts(2)) + b"{oops\n"

    response = client_of("alice").generic("POST", URL, body, content_type="application/jsonl")

    assert response.json()["extra"]["faults"][0]["line"] == 3


def test_import_over_the_limit_is_refused_whole(project: Project, client_of: ClientOf, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1024

    response = client_of("alice").generic("POST", URL, to_lines(prompts(50)), content_type="application/jsonl")

    assert response.status_code == 413
    assert not Prompt.objects.filter(external_id__startswith="new-").exists()


def test_body_must_be_a_list(project: Project, client_of: ClientOf) -> None:
    assert client_of("alice").post(URL, {"prompts": prompts()}).json()["code"] == "invalid_json"
