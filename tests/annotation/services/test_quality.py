"""From judgments to cards, proposals and decisions, on real rows."""

from typing import Any

import pytest
from django.utils import timezone

from annotation.exceptions import Conflict, InvalidAnswer, NotPermitted
from annotation.jobs import review_people, review_person
from annotation.models import AuditEvent, Criterion, Judgment, Pause, Project, Slot, Task, User
from annotation.selectors.canonical import canonical_records
from annotation.selectors.observations import load_pairs
from annotation.selectors.pauses import explain_pause
from annotation.selectors.quality import own_quality, quality_cards
from annotation.selectors.reports import count_judgments
from annotation.selectors.work import my_judgments, my_progress
from annotation.services.known_answers import set_purpose
from annotation.services.pauses import decide_pause, lift_pause, pause_person
from annotation.services.slots import acquire_task
from annotation.services.special_tasks import lease_special_slot
from annotation.services.task_copies import copy_task
from tests.annotation.services.test_special_tasks import RIGHT, WRONG, answer, known_task, work
from tests.factories import make_member, make_project, make_task, ranking


@pytest.fixture
def project(db: None) -> Project:
    return make_project(gold_rate=0.5, repeat_rate=0.5, repeat_after=1)


def do_gold(project: Project, person: User, said: dict[str, Any], times: int) -> None:
    """Gold tasks, one after the other, all answered alike. The queue has to have a task."""
    for _ in range(times):
        known_task(project, "gold")
        slot = lease_special_slot(project=project, annotator=person, luck=0.0)
        assert isinstance(slot, Slot)
        answer(work(project, person), person, said)


def test_gold_makes_the_card_and_nothing_else(project: Project) -> None:
    bob = make_member(project)
    make_task(project)
    do_gold(project, bob, RIGHT, 3), do_gold(project, bob, WRONG, 1), do_gold(project, bob, ranking("ab"), 1)
    card = quality_cards(project=project, people=[bob.pk])[bob.pk]
    assert (card.gold.value, card.gold.count, card.judgments) == (3.5 / 5, 5, 0)
    assert count_judgments(project=project, newest=2**60).judgments == 0
    assert len(load_pairs(project=project).value) == 0
    assert list(canonical_records(project=project)) == []
    assert len(list(canonical_records(project=project, filters={"exclude_gold": False}))) == 5


def test_repeats_measure_a_person_against_themselves(project: Project) -> None:
    bob = make_member(project)
    for _ in range(4):
        make_task(project)
    quiet = Project.objects.get(pk=project.pk)
    quiet.gold_rate = quiet.repeat_rate = 0.0
    for _ in range(3):
        lease = acquire_task(project=quiet, annotator=bob)
        answer(lease, bob, RIGHT)  # type: ignore[arg-type]
    for said in (RIGHT, WRONG):
        assert isinstance(lease_special_slot(project=project, annotator=bob, luck=0.6), Slot)
        answer(work(project, bob), bob, said)
    card = quality_cards(project=project, people=[bob.pk])[bob.pk]
    assert (card.consistency.value, card.consistency.count, card.judgments) == (0.5, 2, 3)
    assert count_judgments(project=project, newest=2**60).judgments == 3


def test_scores_are_right_within_the_tolerance(db: None) -> None:
    project = make_project(kind="scalar", gold_rate=0.5, gold_tolerance=0.25)
    Criterion.objects.create(project=project, name="help", label="Help")
    bob = make_member(project)
    make_task(project, "r")
    for given in (4, 3):
        make_task(project, "r", gold={"scores": {"help": {"r": 5}}, "rationale": ""}, purpose="gold")
        assert isinstance(lease_special_slot(project=project, annotator=bob, luck=0.0), Slot)
        answer(work(project, bob), bob, {"scores": {"help": {"r": given}}})
    card = quality_cards(project=project, people=[bob.pk])[bob.pk]
    assert (card.gold.value, card.bias) == (0.5, None)


def test_signals_are_kept_with_the_judgment_and_block_nothing(project: Project) -> None:
    bob = make_member(project)
    project.gold_rate = project.repeat_rate = 0.0
    for _ in range(6):
        make_task(project, "abcd")
    found = []
    for _ in range(6):
        lease = work(project, bob)
        said = ranking(*lease.shown_order, active_ms=5 if not found else 60_000)
        found.append(answer(lease, bob, said).warnings)
    assert found == [["too_fast"], [], [], [], ["as_shown"], ["as_shown"]]
    card = quality_cards(project=project, people=[bob.pk])[bob.pk]
    assert (card.too_fast.value, card.too_fast.count, card.in_a_row) == (1 / 6, 6, 2)


def test_the_product_proposes_and_a_manager_decides(project: Project) -> None:
    bob, boss = make_member(project), make_member(project, "manager")
    make_task(project)
    do_gold(project, bob, WRONG, 10)
    review_person(project.pk, bob.pk), review_person(project.pk, bob.pk)
    pause = Pause.objects.get()
    assert (pause.state, pause.person) == ("proposed", bob)
    assert pause.sentences == [
        "Of 10 tasks with a known answer 0% was right (95% interval 0% to 28%); the project asks for 80%."
    ]
    work(project, bob)  # a proposal stops nobody
    with pytest.raises(NotPermitted):
        decide_pause(pause=pause, actor=bob, accept=True)
    decide_pause(pause=pause, actor=boss, accept=True, note="Please read the part about sources.")
    assert getattr(acquire_task(project=project, annotator=bob), "reason", None) == "paused"
    assert explain_pause(project=project, person=bob).endswith("They write: Please read the part about sources.")
    with pytest.raises(Conflict, match="already accepted"):
        decide_pause(pause=pause, actor=boss, accept=False)
    lift_pause(pause=pause, actor=boss)
    work(project, bob)
    actions = AuditEvent.objects.filter(object_type="pause").order_by("id").values_list("action", "actor")
    assert list(actions) == [("propose_pause", None), ("accept_pause", boss.pk), ("lift_pause", boss.pk)]


def test_what_was_dismissed_is_not_proposed_again_at_once(project: Project) -> None:
    bob, boss = make_member(project), make_member(project, "manager")
    make_task(project)
    do_gold(project, bob, WRONG, 10)
    review_person(project.pk, bob.pk)
    decide_pause(pause=Pause.objects.get(), actor=boss, accept=False)
    do_gold(project, bob, WRONG, 9)
    review_person(project.pk, bob.pk)
    assert Pause.objects.count() == 1
    do_gold(project, bob, WRONG, 1)
    review_person(project.pk, bob.pk)
    assert Pause.objects.filter(state="proposed").count() == 1


def test_a_manager_may_pause_without_a_proposal_once(project: Project) -> None:
    bob, boss = make_member(project), make_member(project, "manager")
    pause_person(project=project, person=bob, actor=boss)
    with pytest.raises(Conflict):
        pause_person(project=project, person=bob, actor=boss)
    assert "They write" not in explain_pause(project=project, person=bob)


def test_own_figures_move_in_steps_that_name_no_task(project: Project) -> None:
    bob = make_member(project)
    make_task(project)
    do_gold(project, bob, RIGHT, 9)
    assert own_quality(project=project, person=bob.pk).gold.count == 0
    do_gold(project, bob, RIGHT, 1), do_gold(project, bob, WRONG, 3)
    mine = own_quality(project=project, person=bob.pk).gold
    assert (mine.value, mine.count) == (1.0, 10)


def test_a_silent_task_moves_the_progress_like_any_other(project: Project) -> None:
    bob = make_member(project)
    for _ in range(4):
        make_task(project)
    known_task(project, "gold")
    before = my_progress(user=bob, project=project)
    assert isinstance(lease_special_slot(project=project, annotator=bob, luck=0.0), Slot)
    gold = answer(work(project, bob), bob)
    after = my_progress(user=bob, project=project)
    assert (after.judgments - before.judgments, after.waiting - before.waiting) == (1, -1)
    assert gold in my_judgments(user=bob)


def test_practice_is_no_work(project: Project) -> None:
    bob = make_member(project)
    known_task(project, "practice")
    answer(work(project, bob), bob)
    assert my_progress(user=bob, project=project).judgments == 0
    assert not my_judgments(user=bob).exists()


def test_a_task_becomes_gold_and_normal_again(project: Project) -> None:
    boss = make_member(project, "manager")
    task = make_task(project)
    set_purpose(task=task, purpose="gold", actor=boss, answer=RIGHT, explanation="*a* says why.")
    task.refresh_from_db()
    assert (task.purpose, task.gold["tiers"], task.gold["rationale"]) == ("gold", [["a"], ["b"]], "*a* says why.")
    assert set(task.slots.values_list("state", "asks")) == {("released", -1)}
    set_purpose(task=task, purpose="practice", actor=boss, explanation="Still so.")
    set_purpose(task=task, purpose="normal", actor=boss)
    task.refresh_from_db()
    assert (task.purpose, task.gold) == ("normal", None)
    assert set(task.slots.values_list("state", "asks")) == {("free", 0)}
    assert AuditEvent.objects.filter(action="set_purpose").count() == 3


def test_imported_gold_becomes_a_normal_task_with_slots(project: Project) -> None:
    boss = make_member(project, "manager")
    task = known_task(project, "gold")
    assert not task.slots.exists()
    set_purpose(task=task, purpose="normal", actor=boss)
    assert list(task.slots.values_list("state", flat=True)) == ["free", "free"]


def test_what_cannot_be_marked_says_why(project: Project) -> None:
    boss, bob = make_member(project, "manager"), make_member(project)
    task = make_task(project)
    with pytest.raises(NotPermitted):
        set_purpose(task=task, purpose="gold", actor=bob, answer=RIGHT)
    with pytest.raises(Exception, match="right answer"):
        set_purpose(task=task, purpose="gold", actor=boss)
    with pytest.raises(InvalidAnswer, match="missing"):
        set_purpose(task=task, purpose="gold", actor=boss, answer=ranking("a"))
    with pytest.raises(Exception, match="no purpose"):
        set_purpose(task=task, purpose="repeat", actor=boss)
    copy = copy_task(original=task, purpose=Task.Purpose.REPEAT, suffix="repeat")
    with pytest.raises(Conflict):
        set_purpose(task=copy, purpose="gold", actor=boss, answer=RIGHT)
    task.refresh_from_db()
    assert (task.purpose, task.gold) == ("normal", None)


def test_cards_cost_the_same_for_one_and_for_many(project: Project, django_assert_num_queries: Any) -> None:
    people = [make_member(project) for _ in range(30)]
    make_task(project)
    do_gold(project, people[0], RIGHT, 1)
    for some in (people[:1], people):
        with django_assert_num_queries(6):
            cards = quality_cards(project=project, people=[person.pk for person in some])
        assert len(cards) == len(some)
    assert Judgment.objects.latest("id").created_at <= timezone.now()


def test_haste_alone_is_noticed_by_the_regular_look(project: Project) -> None:
    project.gold_rate = project.repeat_rate = 0.0
    bob, carol = make_member(project), make_member(project)
    for _ in range(20):
        make_task(project)
    for person, active_ms in ((bob, 1), (carol, 90_000)):
        for turn in range(20):
            lease = work(project, person)
            order = lease.shown_order[:: 1 if turn % 2 else -1]  # by places in turn: "a" first can be a row by chance
            answer(lease, person, ranking(*order, active_ms=active_ms))
    assert review_people() == 1
    pause = Pause.objects.get()
    assert pause.person == bob
    assert pause.sentences == ["100% of 20 judgments came faster than the responses can be read."]
