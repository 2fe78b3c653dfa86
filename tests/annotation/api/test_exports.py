import json
from typing import Any

import pytest

from annotation.api.exports import join_lines
from annotation.models import AuditEvent, Project, User
from tests.annotation.api.conftest import SOURCES, ClientOf, acquire, submit


def lines_of(response: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]


def test_export_streams_every_pair(project: Project, client_of: ClientOf, people: dict[str, User]) -> None:
    bob = client_of("bob")
    submit(bob, acquire(bob), tiers=[["A"], ["B"], ["C"]])

    response = client_of("alice").get("/api/v1/projects/cooking/export?format=trl")

    assert response.status_code == 200
    assert response.streaming
    assert response["Content-Type"] == "application/jsonl"
    rows = lines_of(response)
    assert len(rows) == 3
    assert {"prompt", "chosen", "rejected"} <= set(rows[0])
    assert people["bob"].username not in json.dumps(rows)
    event = AuditEvent.objects.get(action="export_project")
    assert (event.actor, event.project_id) == (people["alice"], project.pk)


@pytest.mark.parametrize("name", ["canonical", "concord"])
def test_other_formats(project: Project, client_of: ClientOf, name: str) -> None:
    bob = client_of("bob")
    submit(bob, acquire(bob))

    rows = lines_of(client_of("alice").get(f"/api/v1/projects/cooking/export?format={name}"))

    assert len(rows) == {"canonical": 1, "concord": 3}[name]
    assert SOURCES[0] in json.dumps(rows), "managers see who wrote the responses"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "format"),
        ("format=xlsx", "format"),
        ("format=trl&view=average", "view"),
        ("format=trl&since=yesterday", "since"),
        ("format=trl&annotator__password__startswith=a", "annotator__password__startswith"),
    ],
)
def test_bad_query_names_the_parameter(project: Project, client_of: ClientOf, query: str, field: str) -> None:
    response = client_of("alice").get(f"/api/v1/projects/cooking/export?{query}")

    assert response.status_code == 400
    assert [fault["field"] for fault in response.json()["extra"]["faults"]] == [field]
    assert not AuditEvent.objects.filter(action="export_project").exists()


def test_view_that_the_format_lacks_is_refused(project: Project, client_of: ClientOf) -> None:
    response = client_of("alice").get("/api/v1/projects/cooking/export?format=concord&view=majority")

    assert (response.status_code, response.json()["code"]) == (400, "no_such_export")


def test_first_line_is_sent_at_once_and_the_rest_in_pieces() -> None:
    taken = []

    def lines() -> Any:
        for number in range(6):
            taken.append(number)
            yield b"12345\n"

    chunks = join_lines(lines(), chunk_bytes=12)

    assert next(chunks) == b"12345\n"
    assert taken == [0]
    assert list(chunks) == [b"12345\n" * 2, b"12345\n" * 2, b"12345\n"]


def test_failure_on_the_way_is_not_an_ordinary_end() -> None:
    def lines() -> Any:
        yield b"1\n"
        yield b"2\n"
        raise RuntimeError("the database went away")

    chunks = join_lines(lines())

    assert next(chunks) == b"1\n"
    with pytest.raises(RuntimeError):
        list(chunks)
