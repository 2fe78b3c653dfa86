import re
from typing import Any

import pytest
from openapi_spec_validator import validate
from rest_framework.test import APIClient


@pytest.fixture
def document(db: None) -> dict[str, Any]:
    response = APIClient().get("/api/schema/", {"format": "json"})
    assert response.status_code == 200
    return response.json()


def test_schema_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_operation_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    operations = [
        (f"{method} {path}", operation)
        for path, methods in document["paths"].items()
        if path.startswith("/api/v1/")
        for method, operation in methods.items()
        if isinstance(operation, dict)
    ]

    assert len(operations) >= 19
    for name, operation in operations:
        assert operation.get("summary"), name
        failures = {status for status in operation["responses"] if status.startswith(("4", "5"))}
        assert {"405", "429", "503"} <= failures, name
        for status in failures:
            content = operation["responses"][status]["content"]["application/json"]
            assert content["schema"]["$ref"].endswith("/ErrorOutput"), name


def test_page_of_the_description_needs_nothing_inline_and_nothing_from_outside(db: None) -> None:
    page = APIClient().get("/api/docs/")
    html = page.content.decode()

    assert page.status_code == 200
    assert "unsafe-inline" not in page["Content-Security-Policy"]
    assert re.findall(r"<script>|<style|\son\w+=|style=", html) == []
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert len(addresses) == 6
    assert all(address.startswith("/") and not address.startswith("//") for address in addresses)
