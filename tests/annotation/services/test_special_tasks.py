from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from annotation.kinds.ranking import RankingAnswer
from annotation.models import Judgment, Pause, Project, QualificationAttempt, Skill, Slot, Task, User
from annotation.services.judgments import amend_judgment, submit_judgment
from annotation.services.no_work import NoWork
from annotation.services.skips import skip_task
from annotation.services.slots import Lease, acquire_task, release_expired_leases
from annotation.services.special_tasks import lease_special_slot
from tests.factories import make_member, make_project, make_task, ranking

KNOWN = RankingAnswer(tiers=(("a",), ("b",)), rationale="a is right.").as_mapping()
RIGHT, WRONG = ranking("a", "b"), ranking("b", "a")


def known_task(project: Project, purpose: str, **fields: Any) -> Task:
    return make_task(project, gold=KNOWN, purpose=purpose, **fields)


def work(project: Project, person: User) -> Lease:
    lease = acquire_task(project=project, annotator=person)
    assert isinstance(lease, Lease), lease
    return lease


def answer(lease: Lease, person: User, said: dict[str, Any] = RIGHT, **more: Any) -> Judgment:
    return submit_judgment(
        annotator=person,
        task_id=lease.task.pk,
        lease_token=lease.token,
        answer={**said, **more},
        idempotency_key=f"{person.pk}-{lease.task.pk}",
    )


def do(project: Project, person: User, said: dict[str, Any] = RIGHT) -> str:
    """Does the next task; its purpose."""
    lease = work(project, person)
    answer(lease, person, said)
    return lease.task.purpose


@pytest.fixture
def project(db: None) -> Project:
    """A project where nothing silent comes of itself."""
    return make_project(gold_rate=0.0, repeat_rate=0.0, practice_tasks=2)


def test_practice_comes_first_as_often_as_wanted_and_then_never_again(project: Project) -> None:
    bob = make_member(project)
    for _ in range(3):
        known_task(project, "practice"), make_task(project)
    assert [do(project, bob) for _ in range(5)] == ["practice", "practice", "normal", "normal", "normal"]
    assert acquire_task(project=project, annotator=bob) == NoWork("you_did_all")


def test_a_skipped_practice_task_counts_as_seen(project: Project) -> None:
    bob = make_member(project)
    for _ in range(3):
        known_task(project, "practice")
    for _ in range(2):
        skip_task(annotator=bob, lease_token=work(project, bob).token)
    assert acquire_task(project=project, annotator=bob) == NoWork("all_done")


def test_everybody_practises_on_the_same_tasks(project: Project) -> None:
    practice = known_task(project, "practice")
    people = [make_member(project) for _ in range(5)]
    assert {work(project, person).task.pk for person in people} == {practice.pk}
    assert {work(project, person).task.pk for person in people} == {practice.pk}, "asked again it is the same lease"
    assert Slot.objects.filter(task=practice, state="leased").count() == 5


def test_a_practice_answer_cannot_be_changed(project: Project) -> None:
    bob = make_member(project)
    known_task(project, "practice")
    judgment = answer(work(project, bob), bob)
    with pytest.raises(Exception, match="told already"):
        amend_judgment(annotator=bob, judgment_id=judgment.pk, answer=WRONG)


def test_an_ended_practice_lease_comes_back_to_its_person_alone(project: Project) -> None:
    bob, carol = make_member(project), make_member(project)
    practice = known_task(project, "practice")
    first = work(project, bob)
    Slot.objects.filter(pk=first.slot.pk).update(lease_expires_at="2020-01-01T00:00:00Z")
    assert release_expired_leases() == 1
    assert work(project, carol).slot.number != first.slot.number
    again = work(project, bob)
    assert (again.task.pk, again.slot.number, again.token != first.token) == (practice.pk, first.slot.number, True)
    assert again.shown_order == first.shown_order


def with_test(project: Project, **settings: Any) -> Project:
    Project.objects.filter(pk=project.pk).update(qualification_tasks=2, pass_mark=0.5, **settings)
    project.refresh_from_db()
    for _ in range(3):
        known_task(project, "qualification")
    make_task(project)
    return project


def test_whoever_passes_the_test_gets_work_and_a_skill(project: Project) -> None:
    skill = Skill.objects.create(project=project, name="careful", label="Careful")
    with_test(project, qualification_skill=skill, qualification_level=3)
    bob = make_member(project)
    assert [do(project, bob, RIGHT), do(project, bob, WRONG), do(project, bob)] == ["qualification"] * 2 + ["normal"]
    attempt = QualificationAttempt.objects.get()
    assert (attempt.state, attempt.accuracy, attempt.number) == ("passed", 0.5, 1)
    assert [(row.skill.name, row.level) for row in bob.skills.all()] == [("careful", 3)]


def test_whoever_fails_may_try_again_on_copies_and_then_no_more(project: Project) -> None:
    with_test(project, qualification_attempts=2)
    bob = make_member(project)
    first = [work(project, bob) for _ in range(1)]
    answer(first[0], bob, WRONG)
    do(project, bob, WRONG)
    assert QualificationAttempt.objects.get().state == "failed"
    again = work(project, bob)
    assert (again.task.original_id, again.task.purpose) == (first[0].task.pk, "qualification")
    answer(again, bob, WRONG)
    do(project, bob, WRONG)
    assert acquire_task(project=project, annotator=bob) == NoWork("qualification_missing")
    assert [each.state for each in QualificationAttempt.objects.order_by("number")] == ["failed", "failed"]


def test_a_skipped_test_task_is_a_wrong_answer(project: Project) -> None:
    with_test(project, qualification_attempts=1)
    bob = make_member(project)
    skip_task(annotator=bob, lease_token=work(project, bob).token)
    do(project, bob, RIGHT)
    assert QualificationAttempt.objects.get().accuracy == 0.5
    carol = make_member(project)
    for _ in range(2):
        skip_task(annotator=carol, lease_token=work(project, carol).token)
    assert acquire_task(project=project, annotator=carol) == NoWork("qualification_missing")
    assert QualificationAttempt.objects.get(person=carol).accuracy == 0.0


def test_a_test_without_tasks_lets_nobody_through(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(qualification_tasks=2)
    make_task(project)
    project.refresh_from_db()
    assert acquire_task(project=project, annotator=make_member(project)) == NoWork("qualification_missing")


def test_gold_steps_in_at_its_rate_and_only_where_there_is_work(project: Project) -> None:
    project.gold_rate = 0.4
    bob = make_member(project)
    gold = known_task(project, "gold")
    assert lease_special_slot(project=project, annotator=bob, luck=0.0) is None, "the queue is empty"
    make_task(project)
    assert lease_special_slot(project=project, annotator=bob, luck=0.41) is None
    slot = lease_special_slot(project=project, annotator=bob, luck=0.39)
    assert isinstance(slot, Slot)
    assert (slot.task_id, slot.annotator_id, slot.state) == (gold.pk, bob.pk, "leased")
    assert not Slot.objects.exclude(task=gold).exclude(state="free").exists(), "the queue is as it was"
    lease = work(project, bob)
    assert (lease.task.pk, lease.is_new) == (gold.pk, False)
    answer(lease, bob)
    assert lease_special_slot(project=project, annotator=bob, luck=0.0) is None, "all gold is done"
    assert do(project, bob) == "normal"


def test_a_repeat_comes_after_enough_others_once_and_in_another_order(project: Project) -> None:
    project.repeat_rate, project.repeat_after = 0.5, 2
    bob = make_member(project)
    first = make_task(project, "abc", priority=9.0)
    for _ in range(4):
        make_task(project, "abc")
    said: dict[int, Judgment] = {}
    for _ in range(3):
        assert lease_special_slot(project=project, annotator=bob, luck=0.0) is None
        slot = acquire_task(project=make_quiet(project), annotator=bob)
        assert isinstance(slot, Lease)
        said[slot.task.pk] = answer(slot, bob, ranking("a", "b", "c"))
    slot = lease_special_slot(project=project, annotator=bob, luck=0.0)
    assert isinstance(slot, Slot)
    assert (slot.task.purpose, slot.task.original_id) == ("repeat", first.pk)
    lease = work(project, bob)
    assert lease.task.pk == slot.task_id
    assert lease.shown_order != said[first.pk].shown_order
    answer(lease, bob, ranking("a", "b", "c"))
    assert lease_special_slot(project=project, annotator=bob, luck=0.0) is None, "each task comes back once"


def make_quiet(project: Project) -> Project:
    """The project as it would be without anything silent."""
    quiet = Project.objects.get(pk=project.pk)
    quiet.gold_rate = quiet.repeat_rate = 0.0
    return quiet


def test_whoever_is_paused_gets_nothing(project: Project) -> None:
    bob, carol = make_member(project), make_member(project)
    make_task(project)
    pause = Pause.objects.create(project=project, person=bob, state="accepted")
    assert acquire_task(project=project, annotator=bob) == NoWork("paused")
    assert isinstance(acquire_task(project=project, annotator=carol), Lease)
    Pause.objects.filter(pk=pause.pk).update(state="lifted")
    assert isinstance(acquire_task(project=project, annotator=bob), Lease)


def test_nothing_special_costs_one_query(project: Project, django_assert_num_queries: Any) -> None:
    bob = make_member(project)
    make_task(project)
    with django_assert_num_queries(1):
        assert lease_special_slot(project=project, annotator=bob) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("purpose", ["practice", "qualification"])
def test_two_tabs_never_get_two_tasks(purpose: str) -> None:
    project = make_project(practice_tasks=5, qualification_tasks=5 if purpose == "qualification" else 0)
    people = [make_member(project) for _ in range(4)]
    for _ in range(5):
        known_task(project, purpose)

    def acquire(person: User) -> int:
        try:
            return work(project, person).task.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(acquire, [person for person in people for _ in range(4)]))
    for number, person in enumerate(people):
        assert len(set(found[4 * number : 4 * number + 4])) == 1
        assert Slot.objects.filter(annotator=person, state="leased").count() == 1
