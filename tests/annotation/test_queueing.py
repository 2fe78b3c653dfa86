import logging

import pytest
from celery import Celery, current_app
from django.db import transaction

from annotation.jobs import enqueue, refresh_agreement_report, refresh_agreement_reports, release_expired_leases
from annotation.models import AgreementReport, Project

JOB = "annotation.jobs.refresh_agreement_report"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, int]]]:
    """What reaches the broker."""
    messages: list[tuple[str, dict[str, int]]] = []
    monkeypatch.setattr(
        current_app, "send_task", lambda name, kwargs, connection, retry: messages.append((name, kwargs))
    )
    return messages


@pytest.mark.django_db(transaction=True)
def test_a_job_goes_out_after_the_commit(sent: list[tuple[str, dict[str, int]]]) -> None:
    with transaction.atomic():
        enqueue(JOB, project_id=3)
        assert sent == []
    assert sent == [(JOB, {"project_id": 3})]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_write_sends_nothing(sent: list[tuple[str, dict[str, int]]]) -> None:
    with transaction.atomic():
        enqueue(JOB, project_id=3)
        transaction.set_rollback(True)
    assert sent == []


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_fails_nobodys_write(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dead = Celery("dead", broker="redis://127.0.0.1:1/0", set_as_current=False)
    monkeypatch.setattr("annotation.queueing.current_app", dead)
    waits: list[float] = []
    monkeypatch.setattr("kombu.utils.functional.sleep", waits.append)
    with caplog.at_level(logging.WARNING), transaction.atomic():
        enqueue(JOB, project_id=3)
    assert "not sent" in caplog.text
    assert waits == []  # a page waits for it


@pytest.mark.django_db
def test_jobs_call_their_services(campaign: Project) -> None:
    refresh_agreement_report(project_id=campaign.pk)
    refresh_agreement_report(project_id=0)
    assert AgreementReport.objects.count() == 1
    assert refresh_agreement_reports() == 0
    assert release_expired_leases() == 0
