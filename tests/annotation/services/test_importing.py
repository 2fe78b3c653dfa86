import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.exceptions import NotFound, NotPermitted
from annotation.importers.concord import read_prompts
from annotation.importers.line_errors import ImportFileError
from annotation.models import (
    AuditEvent,
    Criterion,
    Judgment,
    Preference,
    Project,
    Prompt,
    Response,
    Score,
    Slot,
    Task,
    User,
)
from annotation.services.importing import ImportSummary, import_prompts
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db


MOMENT = "2026-02-01T10:00:00Z"


def line(number: int = 1, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "external_id": f"q-{number}",
        "kind": "ranking",
        "prompt": f"Question {number}?",
        "responses": [{"id": "a", "text": "Yes.", "source": "model-x"}, {"id": "b", "text": "No."}],
        "judgments": [
            {"annotator": "rater1", "tiers": [["a"], ["b"]], "rationale": "clearer", "created_at": MOMENT},
            {"annotator": "rater2", "tiers": [["a", "b"]]},
        ],
    }
    return row | changes


def scalar_line(number: int = 1, scores: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    said = {"help": {"a": 2, "b": 5.5}} if scores is None else scores
    row = line(number, kind="scalar", judgments=[{"annotator": "rater1", "scores": said}])
    return row | changes


def import_lines(project: Project, *lines: dict[str, Any], actor: User | None = None, **options: Any) -> ImportSummary:
    prompts = read_prompts([json.dumps(row).encode() for row in lines])
    return import_prompts(project=project, prompts=prompts, actor=actor, **options)


def test_a_line_becomes_prompt_task_slots_judgments_and_people(campaign: Project, alice: User) -> None:
    summary = import_lines(campaign, line(1, tags=["cooking"]), line(2, judgments=[]), actor=alice)
    assert summary == ImportSummary(prompts=2, responses=4, tasks=2, judgments=2, annotators=2, skipped=0)
    prompt = Prompt.objects.get(external_id="q-1")
    assert (prompt.messages, prompt.tags) == ([{"role": "user", "content": "Question 1?"}], ["cooking"])
    judgment = Judgment.objects.get(task__external_id="q-1", annotator__username__endswith="/rater1")
    assert judgment.created_at.isoformat() == "2026-02-01T10:00:00+00:00"
    assert (judgment.tiers, judgment.is_imported, judgment.rationale) == ([["a"], ["b"]], True, "clearer")
    assert judgment.slot is not None
    assert (judgment.slot.state, judgment.slot.annotator) == ("submitted", judgment.annotator)
    assert list(Preference.objects.values_list("chosen__key", "rejected__key")) == [("a", "b")]
    assert Slot.objects.filter(task__external_id="q-2", state="free").count() == campaign.judgments_per_task
    assert AuditEvent.objects.get(action="import_prompts").data["judgments"] == 2


def test_imported_people_cannot_sign_in(campaign: Project) -> None:
    import_lines(campaign, line())
    person = User.objects.get(username__endswith="/rater1")
    assert (person.origin, person.is_active, person.has_usable_password()) == ("imported", False, False)
    assert "rater1" not in person.pseudonym


def test_a_name_in_a_file_is_never_a_strangers_account(campaign: Project, bob: User, oscar: User) -> None:
    judgments = [{"annotator": name, "tiers": [["a"], ["b"]]} for name in ("bob", "oscar", bob.pseudonym[:4])]
    import_lines(campaign, line(judgments=judgments))
    assert Judgment.objects.filter(annotator=bob).count() == 1  # a member of the project
    assert not Judgment.objects.filter(annotator=oscar).exists()


def test_more_judgments_than_wanted_all_get_their_slot(campaign: Project) -> None:
    judgments = [{"annotator": f"rater{number}", "tiers": [["a"], ["b"]]} for number in range(5)]
    import_lines(campaign, line(judgments=judgments))
    assert list(Slot.objects.values_list("state", flat=True)) == ["submitted"] * 5


def test_the_same_file_again_changes_nothing(campaign: Project) -> None:
    import_lines(campaign, line(1), line(2))
    before = [model.objects.count() for model in (Prompt, Response, Task, Slot, Judgment, User)]
    summary = import_lines(campaign, line(1), line(2), line(3, judgments=[]))
    assert (summary.prompts, summary.judgments, summary.skipped) == (1, 0, 2)
    after = [model.objects.count() for model in (Prompt, Response, Task, Slot, Judgment, User)]
    assert [new - old for old, new in zip(before, after, strict=True)] == [1, 2, 1, 2, 0, 0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"prompt": "Another question?"}, "prompt"),
        ({"responses": [{"id": "a", "text": "Maybe.", "source": "model-x"}, {"id": "b", "text": "No."}]}, "responses"),
        ({"judgments": [{"annotator": "rater1", "tiers": [["b"], ["a"]]}]}, "judgments[0]"),
        ({"judgments": [{"annotator": "rater9", "tiers": [["a"], ["b"]]}]}, "judgments[0]"),
    ],
)
def test_another_content_under_a_known_id_is_refused(campaign: Project, change: dict[str, Any], field: str) -> None:
    import_lines(campaign, line(1))
    with pytest.raises(ImportFileError) as caught:
        import_lines(campaign, line(2), line(1, **change))
    assert [(error.line, error.field) for error in caught.value.errors] == [(2, field)]


def test_a_broken_line_7_stores_nothing(campaign: Project) -> None:
    lines = [line(number) for number in range(1, 10)]
    lines[6]["judgments"][1]["tiers"] = [["a"], ["c"]]
    people = User.objects.count()
    with pytest.raises(ImportFileError) as caught:
        import_lines(campaign, *lines)
    assert {error.line for error in caught.value.errors} == {7}
    assert caught.value.errors[0].field.startswith("judgments[1].tiers")
    assert [model.objects.count() for model in (Prompt, Task, Judgment)] == [0, 0, 0]
    assert User.objects.count() == people


def test_a_line_of_another_kind_is_refused(campaign: Project) -> None:
    with pytest.raises(ImportFileError) as caught:
        import_lines(campaign, line(1), scalar_line(2))
    assert [(error.line, error.field) for error in caught.value.errors] == [(2, "kind")]


def test_scores_are_held_against_the_projects_scale() -> None:
    project = make_project(kind="scalar")
    Criterion.objects.create(project=project, name="help", label="Help", step=1)
    with pytest.raises(ImportFileError) as caught:
        import_lines(project, scalar_line(1, {"help": {"a": 2, "b": 3}}), scalar_line(2))
    assert [(error.line, error.field) for error in caught.value.errors] == [(2, "judgments[0].scores.help.b")]
    with pytest.raises(ImportFileError, match="did you mean 'help'"):
        import_lines(project, scalar_line(1, {"helf": {"a": 2}}))


def test_scalar_responses_are_a_task_each() -> None:
    project = make_project(kind="scalar")
    summary = import_lines(project, scalar_line(), infer_criteria=True)
    assert (summary.prompts, summary.tasks, summary.judgments) == (1, 2, 2)
    assert sorted(Task.objects.values_list("external_id", flat=True)) == ["q-1#a", "q-1#b"]
    assert dict(Score.objects.values_list("judgment__task__external_id", "value")) == {"q-1#a": 2.0, "q-1#b": 5.5}


def test_criteria_are_inferred_from_all_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotation.services.importing.BATCH_PROMPTS", 1)
    project = make_project(kind="scalar")
    lines = [scalar_line(number, {"help": {"a": number}}) for number in (3, 7, 5)]
    import_lines(project, *lines, scalar_line(9, {"safe": {"b": 1}}), infer_criteria=True)
    ranges = [(row.name, row.minimum, row.maximum, row.step, row.required) for row in project.criteria.all()]
    assert ranges == [("help", 3, 7, None, False), ("safe", 1, 2, None, False)]


def test_gold_stays_with_its_task() -> None:
    project = make_project()
    import_lines(project, line(gold={"tiers": [["b"], ["a"]]}))
    gold = Task.objects.get().gold
    assert gold is not None
    assert gold["tiers"] == [["b"], ["a"]]


def test_only_managers_import(campaign: Project, rita: User, oscar: User) -> None:
    with pytest.raises(NotPermitted):
        import_lines(campaign, line(), actor=rita)
    with pytest.raises(NotFound):
        import_lines(campaign, line(), actor=oscar)
    assert not Prompt.objects.exists()


def test_a_long_name_fits_and_stays_the_same_person() -> None:
    project = make_project()
    make_user("someone-else")
    judgments = [{"annotator": "r" * 150, "tiers": [["a"], ["b"]]}]
    import_lines(project, line(1, judgments=judgments), line(2, judgments=judgments))
    assert Judgment.objects.values("annotator").distinct().count() == 1


def test_queries_do_not_grow_with_the_file() -> None:
    counts = []
    for lines in (5, 400):
        project = make_project()
        with CaptureQueriesContext(connection) as queries:
            import_lines(project, *(line(number) for number in range(lines)))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_two_tasks_never_get_one_id() -> None:
    project = make_project(kind="scalar")
    one = scalar_line(9, external_id="q-1#b", judgments=[])
    one["responses"] = one["responses"][:1]
    with pytest.raises(ImportFileError) as caught:
        import_lines(project, scalar_line(1, judgments=[]), one)
    assert [(error.line, error.field) for error in caught.value.errors] == [(2, "external_id")]
    import_lines(project, one)
    with pytest.raises(ImportFileError, match="q-1#b"):
        import_lines(project, scalar_line(1, judgments=[]))
    assert Task.objects.count() == 1
