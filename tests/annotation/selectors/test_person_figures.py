from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.exceptions import ApplicationError
from annotation.models import PersonFigures, Project, User
from annotation.selectors.person_figures import ORDERS, all_figures, figures_of, figures_page
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db


def fill(project: Project, people: int) -> list[User]:
    """People with equal values, odd values and none."""
    made = User.objects.bulk_create(
        [User(username=f"crowd-{n}", pseudonym=f"anon-{n}", origin="imported", is_active=False) for n in range(people)]
    )
    PersonFigures.objects.bulk_create(
        PersonFigures(
            project=project, person=user, judgments=n // 3, agreement=None if n % 5 == 0 else (n % 7) / 7,
            median_active_ms=n / 3,
        )
        for n, user in enumerate(made)
    )  # fmt: skip
    return made


def walk(project: Project, **asked: Any) -> list[Any]:
    found, after = [], ""
    while True:
        page = figures_page(project=project, after=after, **asked)
        found += page.records
        if page.next is None:
            return found
        after = page.next


@pytest.mark.parametrize("order", [f"{sign}{name}" for name in ORDERS for sign in ("", "-")])
def test_every_order_has_everybody_once_and_the_undefined_last(order: str) -> None:
    project = make_project()
    people = fill(project, 23)
    found = walk(project, order=order, most=4)
    assert sorted(each["annotator"] for each in found) == sorted(user.pk for user in people)
    name = order.removeprefix("-")
    values = [each[name]["value"] if isinstance(each[name], dict) else each[name] for each in found]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=order.startswith("-"))
    assert values[len(known) :] == [None] * (len(values) - len(known))


def test_five_thousand_people_are_read_page_by_page_with_two_queries() -> None:
    project = make_project()
    fill(project, 5000)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = figures_page(project=project, order="-agreement", most=50)
    assert (len(page.records), len(queries)) == (50, 2)
    with CaptureQueriesContext(connection) as queries:
        last = figures_page(project=project, order="-agreement", after=":1", most=50)
    assert (len(last.records), len(queries)) == (50, 2)
    assert len(list(all_figures(project=project))) == 5000


def test_people_are_found_by_part_of_a_name() -> None:
    project = make_project()
    fill(project, 12)
    assert {each["pseudonym"] for each in walk(project, search="on-1", most=2)} == {"anon-1", "anon-10", "anon-11"}
    assert figures_page(project=project, search="nobody").records == []


def test_what_is_undefined_says_why() -> None:
    project = make_project(kind="scalar")
    (user,) = fill(project, 1)
    record = figures_of(project=project, person=user.pk)
    assert record is not None
    assert record["agreement"]["note"] == "Undefined: they share no task with anybody."
    assert record["accuracy"]["note"].startswith("Undefined: scores have no majority")
    assert figures_of(project=project, person=make_user().pk) is None


@pytest.mark.parametrize(
    "asked", [{"order": "person__password"}, {"order": "--gold"}, {"after": "x"}, {"after": "nan:1"}]
)
def test_no_other_column_can_be_asked_for(asked: dict[str, str]) -> None:
    with pytest.raises(ApplicationError):
        figures_page(project=make_project(), **asked)


@pytest.mark.parametrize("place", ["1e99:1", "-1e99:1", "0.5:1", "99999999999999999999:1"])
@pytest.mark.parametrize("order", ["judgments", "-judgments", "agreement"])
def test_made_up_places_give_a_page(order: str, place: str) -> None:
    project = make_project()
    fill(project, 3)
    assert len(figures_page(project=project, order=order, after=place).records) <= 3
