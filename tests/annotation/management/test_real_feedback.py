"""Real human feedback through the commands, held against figures computed with public libraries."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from annotation.models import Project
from tests.annotation.interchange import ukp_lines, wmt_lines

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


def alpha(slug: str, level: str) -> float:
    records = json.loads(run("agreement", slug, "--json", "--resamples", "100", "--seed", "1"))
    (value,) = [r["value"] for r in records if r["statistic"] == "krippendorff_alpha" and r["level"] == level]
    return value


def import_file(slug: str, path: Path) -> dict[str, int]:
    return json.loads(run("import_judgments", str(path), "--project", slug, "--create", "--json"))


def test_fifteen_thousand_votes_of_two_thousand_people(tmp_path: Path) -> None:
    path = tmp_path / "ukp.jsonl"
    path.write_bytes(b"".join(ukp_lines(DATA / "ukpconvarg1_demo.jsonl.gz")))
    counts = import_file("ukp", path)
    assert (counts["prompts"], counts["tasks"], counts["judgments"], counts["annotators"]) == (3088, 3088, 15404, 1967)
    assert alpha("ukp", "nominal") == pytest.approx(0.3559, abs=5e-5)
    assert alpha("ukp", "ordinal") == pytest.approx(0.4764, abs=5e-5)


def test_continuous_penalties_of_ten_raters(tmp_path: Path) -> None:
    path = tmp_path / "wmt.jsonl"
    path.write_bytes(b"".join(wmt_lines(DATA / "wmt23_sxs_mqm_ende.jsonl.gz")))
    counts = import_file("wmt", path)
    assert (counts["prompts"], counts["tasks"], counts["judgments"], counts["annotators"]) == (104, 1040, 3120, 10)
    assert [row.name for row in Project.objects.get(slug="wmt").criteria.all()] == ["penalty"]
    assert alpha("wmt", "interval") == pytest.approx(0.5331, abs=5e-5)
    assert alpha("wmt", "ordinal") == pytest.approx(0.5145, abs=5e-5)
