"""Real human feedback through the commands, held against figures computed with public libraries."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from annotation.jobs import refresh_agreement_report
from annotation.models import AgreementReport, Project
from tests.annotation.interchange import ukp_lines, wmt_lines
from tests.factories import make_member

DATA = Path(__file__).parents[4] / "shared" / "data"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no real feedback in {DATA}"),
]


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def statistics(slug: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What the command prints, having made sure that job, API and page say the same."""
    refresh_agreement_report(Project.objects.get(slug=slug).pk)
    records = json.loads(run("agreement", slug, "--json"))
    assert records == AgreementReport.objects.filter(project__slug=slug).latest().statistics
    client = Client()
    client.force_login(make_member(Project.objects.get(slug=slug), role="manager"))
    assert client.get(f"/api/v1/projects/{slug}/agreement").json()["report"]["statistics"] == records
    page = client.get(f"/projects/{slug}/agreement/").content.decode()
    for record in records:
        assert record["value"] is None or f"{record['value']:.3f}" in page
    return {(record["level"], record["statistic"]): record for record in records}


def close(value: float) -> object:
    """To the four digits that the reference has."""
    return pytest.approx(value, abs=5e-5)


def import_file(slug: str, path: Path) -> dict[str, int]:
    return json.loads(run("import_judgments", str(path), "--project", slug, "--create", "--json"))


def test_fifteen_thousand_votes_of_two_thousand_people(tmp_path: Path) -> None:
    path = tmp_path / "ukp.jsonl"
    path.write_bytes(b"".join(ukp_lines(DATA / "ukpconvarg1_demo.jsonl.gz")))
    counts = import_file("ukp", path)
    assert (counts["prompts"], counts["tasks"], counts["judgments"], counts["annotators"]) == (3088, 3088, 15404, 1967)
    found = statistics("ukp")
    assert found["nominal", "krippendorff_alpha"]["value"] == close(0.3559)
    assert found["ordinal", "krippendorff_alpha"]["value"] == close(0.4764)
    fleiss = found["nominal", "fleiss_kappa"]
    assert (fleiss["value"], fleiss["units"], fleiss["note"]) == (
        close(0.3559), 3052, "On units with exactly 5 judgments.",
    )  # fmt: skip


def test_continuous_penalties_of_ten_raters(tmp_path: Path) -> None:
    path = tmp_path / "wmt.jsonl"
    path.write_bytes(b"".join(wmt_lines(DATA / "wmt23_sxs_mqm_ende.jsonl.gz")))
    counts = import_file("wmt", path)
    assert (counts["prompts"], counts["tasks"], counts["judgments"], counts["annotators"]) == (104, 1040, 3120, 10)
    assert [row.name for row in Project.objects.get(slug="wmt").criteria.all()] == ["penalty"]
    found = statistics("wmt")
    assert found["interval", "krippendorff_alpha"]["value"] == close(0.5331)
    assert found["ordinal", "krippendorff_alpha"]["value"] == close(0.5145)
    assert found["rank", "kendall_w"]["value"] == pytest.approx(0.612, abs=5e-4)


def test_sixty_five_thousand_votes(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(b"".join(ukp_lines(DATA / "ukp_train.jsonl.gz")))
    counts = import_file("train", path)
    assert (counts["tasks"], counts["judgments"], counts["annotators"]) == (13030, 65003, 3745)
    found = statistics("train")
    assert found["nominal", "krippendorff_alpha"]["value"] == close(0.2694)
    assert found["ordinal", "krippendorff_alpha"]["value"] == close(0.3728)
    fleiss = found["nominal", "fleiss_kappa"]
    assert (fleiss["value"], fleiss["units"]) == (close(0.2697), 12883)
