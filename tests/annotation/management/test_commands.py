import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.models import AuditEvent, Judgment, Project, Prompt, User
from annotation.services.judgments import submit_judgment
from annotation.services.slots import Lease, acquire_task
from tests.annotation.services.test_importing import line, scalar_line
from tests.factories import make_member, make_project, make_task, ranking

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def write(folder: Path, *lines: dict[str, Any]) -> str:
    path = folder / "feedback.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in lines), encoding="utf-8")
    return str(path)


def test_import_creates_a_project_and_counts(tmp_path: Path) -> None:
    path = write(tmp_path, scalar_line(1), scalar_line(2))
    told = run("import_judgments", path, "--project", "new", "--create", "--json")
    assert json.loads(told) == {"prompts": 2, "responses": 4, "tasks": 4, "judgments": 4, "annotators": 1, "skipped": 0}
    assert Project.objects.get(slug="new").kind == "scalar"


def test_import_into_an_unknown_project_needs_create(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--create"):
        run("import_judgments", write(tmp_path, line()), "--project", "new")


def test_a_broken_line_is_named_and_nothing_is_stored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line(number) for number in range(1, 10)]
    del lines[6]["responses"][0]["text"]
    path = write(tmp_path, *lines)
    errors = StringIO()
    with pytest.raises(CommandError, match="Nothing was imported"):
        call_command("import_judgments", path, "--project", "new", "--create", stderr=errors)
    assert f"{path}:7: responses[0].text: is missing" in errors.getvalue()
    assert not Project.objects.filter(slug="new").exists()
    assert not Prompt.objects.exists()


def test_import_says_which_file_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"gone\.jsonl cannot be read"):
        run("import_judgments", str(tmp_path / "gone.jsonl"), "--project", "new", "--create")


def test_an_empty_file_needs_a_kind(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(CommandError, match="give --kind"):
        run("import_judgments", path, "--project", "new", "--create")
    run("import_judgments", path, "--project", "new", "--create", "--kind", "ranking")
    assert Project.objects.filter(slug="new").exists()


def test_export_writes_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("import_judgments", write(tmp_path, line(1), line(2)), "--project", "new", "--create")
    target = tmp_path / "out.jsonl"
    told = run("export", "new", "--format", "concord", "--out", str(target), "--json")
    assert json.loads(told) == {"rows": 2, "out": str(target)}
    assert [json.loads(row)["external_id"] for row in target.read_text().splitlines()] == ["q-1", "q-2"]
    assert AuditEvent.objects.filter(action="export_project").count() == 1

    before = target.read_bytes()
    monkeypatch.setattr("annotation.management.commands.export.os.fsync", _no_space)
    with pytest.raises(CommandError, match="No space left"):
        run("export", "new", "--format", "trl", "--out", str(target))
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["feedback.jsonl", "out.jsonl"]


def test_export_says_what_it_leaves_out_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = [{"annotator": name, "tiers": tiers} for name, tiers in (
        ("one", [["a"], ["b"]]), ("two", [["a"], ["b"]]), ("three", [["b"], ["a"]]), ("four", [["a", "b"]]),
    )]  # fmt: skip
    run("import_judgments", write(tmp_path, {**line(1), "judgments": people}), "--project", "new", "--create")
    wish = ("export", "new", "--format", "trl", "--out", str(tmp_path / "out.jsonl"))
    told = json.loads(run(*wish, "--view", "majority", "--json"))
    assert (told["rows"], told["dropped"]) == (0, {"no_majority": 1})
    assert "1 pair is left out: 1 without more than half of those who compared both" in capsys.readouterr().err
    assert run(*wish) == "3 rows\n"
    assert "1 pair is left out: 1 tied by the person who judged." in capsys.readouterr().err
    assert run("export", "new", "--format", "concord", "--out", str(tmp_path / "out.jsonl")) == "1 rows\n"
    assert capsys.readouterr().err == ""


def _no_space(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_export_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    make_project(slug="scores", kind="scalar")
    with pytest.raises(CommandError, match="trl holds ranking"):
        run("export", "scores", "--format", "trl", "--out", str(tmp_path / "x"))
    with pytest.raises(CommandError, match="no view"):
        run("export", "scores", "--format", "canonical", "--view", "majority", "--out", str(tmp_path / "x"))
    assert list(tmp_path.iterdir()) == []


def test_agreement_prints_records(tmp_path: Path) -> None:
    run("import_judgments", write(tmp_path, line(1), line(2)), "--project", "new", "--create")
    records = json.loads(run("agreement", "new", "--json"))
    assert {
        "criterion",
        "level",
        "statistic",
        "value",
        "low",
        "high",
        "confidence",
        "method",
        "units",
        "annotators",
        "judgments",
        "dropped",
        "note",
    } == set(records[0])
    assert [row["judgments"] for row in records] == [4] * len(records)
    other = json.loads(run("agreement", "new", "--json", "--seed", "5", "--resamples", "100"))
    assert "100 Poisson resamples" in other[0]["method"]
    assert Project.objects.get(slug="new").agreement_reports.count() == 1
    assert "preference: krippendorff_alpha (nominal)" in run("agreement", "new")
    with pytest.raises(CommandError, match="no project 'gone'"):
        run("agreement", "gone")


def simulate(project: Project, *options: str) -> str:
    return run("simulate_annotators", project.slug, "--seed", "7", *options)


def test_simulated_annotators_work_through_the_slots_and_stay_marked() -> None:
    project = make_project(judgments_per_task=2)
    for number in range(6):
        make_task(project, keys="abc", text=f"Name {number} good things about rivers and answers.")
    told = json.loads(simulate(project, "--annotators", "3", "--noise", "0.1", "--json"))
    assert (told["judgments"], told["annotators"], told["simulated"]) == (12, 3, True)
    crowd = User.objects.filter(origin="simulated")
    assert (crowd.count(), crowd.filter(is_active=True).count()) == (3, 0)
    assert set(Judgment.objects.values_list("annotator__origin", flat=True)) == {"simulated"}
    assert AuditEvent.objects.get(action="simulate_annotators").data == {"annotators": 3, "noise": 0.1, "seed": 7}
    run("agreement", project.slug)
    assert project.agreement_reports.get().simulated_judgments == 12


def test_the_same_seed_gives_the_same_judgments() -> None:
    said = []
    for _ in range(2):
        project = make_project(judgments_per_task=2)
        for number in range(4):
            make_task(project, keys="abc", external_id=f"q-{number}", text="Which answer is best?")
        simulate(project, "--annotators", "2", "--noise", "0.3", "--per-annotator", "3")
        said.append(list(Judgment.objects.filter(project=project).order_by("id").values_list("tiers", "active_ms")))
    assert said[0] == said[1]
    assert len(said[0]) == 6


def test_simulation_stays_out_of_real_work() -> None:
    project = make_project()
    make_task(project)
    make_task(project)
    person = make_member(project)
    lease = acquire_task(project=project, annotator=person)
    assert isinstance(lease, Lease)
    submit_judgment(
        annotator=person, task_id=lease.task.pk, lease_token=lease.token, answer=ranking("a", "b"), idempotency_key="k"
    )
    wish = ("simulate_annotators", project.slug, "--annotators", "1", "--noise", "0", "--seed", "1")
    with pytest.raises(CommandError, match="--yes"):
        run(*wish)
    assert not User.objects.filter(origin="simulated").exists()
    run(*wish, "--yes")
    assert Judgment.objects.filter(annotator__origin="simulated").count() == 2
