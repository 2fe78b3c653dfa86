import threading

import pytest
from django.db import IntegrityError, connection, transaction

from annotation.models import Criterion, Prompt, Response
from annotation.services.copied_rows import copy_rows
from annotation.services.unchecked_keys import hold_parents, unchecked_keys
from tests.factories import make_project

NOBODY = 999_999


def add_orphan(key: str) -> None:
    copy_rows(Response, ("prompt_id", "key", "text"), [(NOBODY, key, "text")])
    connection.check_constraints()  # what is put off until the commit, at once


@pytest.mark.django_db(transaction=True)
def test_keys_are_looked_up_again_afterwards() -> None:
    with transaction.atomic():
        with unchecked_keys() as is_unchecked:
            add_orphan("a")
        assert is_unchecked
        Response.objects.all().delete()
        with unchecked_keys():
            pass
        with pytest.raises(IntegrityError, match="prompt_id"), transaction.atomic():
            add_orphan("b")


@pytest.mark.django_db(transaction=True)
def test_an_error_inside_puts_the_checks_back() -> None:
    with transaction.atomic():
        with pytest.raises(RuntimeError), transaction.atomic(), unchecked_keys():
            raise RuntimeError
        with connection.cursor() as cursor:
            cursor.execute("SHOW session_replication_role")
            assert cursor.fetchone() == ("origin",)


@pytest.mark.django_db
def test_unique_rows_stay_unique_inside() -> None:
    project = make_project()
    with pytest.raises(IntegrityError, match="prompt_id_once_a_project"), transaction.atomic(), unchecked_keys():
        copy_rows(Prompt, ("project_id", "external_id", "messages"), [(project.pk, "same", [])] * 2)


@pytest.mark.django_db(transaction=True)
def test_held_parents_cannot_be_deleted_before_the_end() -> None:
    project = make_project()
    criterion = Criterion.objects.create(project=project, name="help", label="Help")
    refused: list[str] = []

    def delete_meanwhile() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '100ms'")
                Criterion.objects.filter(pk=criterion.pk).delete()
        except Exception as error:
            refused.append(str(error))
        finally:
            connection.close()

    with transaction.atomic():
        assert hold_parents(Criterion, [criterion.pk, NOBODY]) == 1
        other = threading.Thread(target=delete_meanwhile)
        other.start()
        other.join()
    assert len(refused) == 1 and "lock timeout" in refused[0]
    assert Criterion.objects.filter(pk=criterion.pk).exists()
