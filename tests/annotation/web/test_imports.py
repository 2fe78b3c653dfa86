"""The page of an import: what is recognised, shown, started and told."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from annotation.exports.csv_lines import quote_cell
from annotation.models import ImportJob, Project, Task, User
from annotation.services.import_running import run_import

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("imports_folder")]

Upload = Callable[..., ImportJob]
ROWS = b"q,left,right,who\nWhy?,So.,Thus.,secret-model\n"


@pytest.fixture
def browser(alice: User, campaign: Project) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def upload(browser: Client, campaign: Project) -> Upload:
    def send(data: bytes, name: str = "x.csv") -> ImportJob:
        answer = browser.post(reverse("data", args=["campaign"]), {"file": SimpleUploadedFile(name, data)})
        job = ImportJob.objects.latest("id")
        assert (answer.status_code, answer["Location"]) == (302, address("import_job", job))
        return job

    return send


def address(name: str, job: ImportJob) -> str:
    return reverse(name, args=["campaign", job.pk])


def html_of(answer: Any) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def columns(**fields: str) -> dict[str, str]:
    given = {}
    for number, (name, field) in enumerate(fields.items(), start=1):
        given |= {f"column-name-{number}": name, f"column-field-{number}": field}
    return given


def test_the_first_records_are_shown_blind(browser: Client, upload: Upload) -> None:
    responses = [{"id": "gpt", "text": "**So.**", "source": "secret-model"}, {"id": "b", "text": "<script>x</script>"}]
    row = {"external_id": "q1", "kind": "ranking", "prompt": "Why?", "responses": responses}
    html = html_of(browser.get(address("import_job", upload(json.dumps(row).encode()))))
    assert '<option value="concord" selected>' in html
    assert "<strong>So.</strong>" in html
    assert [word for word in ("secret-model", "gpt", "<script>x") if word in html] == []


def test_columns_are_mapped_on_the_page_and_imported(browser: Client, upload: Upload) -> None:
    job = upload(ROWS)
    html = html_of(browser.get(address("import_job", job)))
    assert 'name="column-name-2" value="left"' in html
    mapping = columns(q="prompt", left="response.a", right="response.b", who="")
    shown = html_of(browser.get(address("import_job", job), {"format": "csv", **mapping}))
    assert "The first record as it would be imported" in shown
    assert "secret-model" not in shown
    answer = browser.post(address("start_import", job), {"format": "csv", "do": "import", **mapping})
    assert answer.status_code == 302
    assert run_import(import_job_id=job.pk) == "succeeded"
    assert Task.objects.filter(project__slug="campaign").count() == 1
    assert "<dt>tasks</dt><dd>1</dd>" in html_of(browser.get(address("import_job", job)))


def test_only_checking_keeps_nothing(browser: Client, upload: Upload) -> None:
    job = upload(ROWS)
    mapping = columns(q="prompt", left="response.a", right="response.b")
    browser.post(address("start_import", job), {"format": "csv", "do": "check", **mapping})
    assert run_import(import_job_id=job.pk) == "succeeded"
    assert not Task.objects.exists()
    assert "Checked: everything fits" in html_of(browser.get(address("import_job", job)))


def test_a_wish_that_does_not_fit_is_said(browser: Client, upload: Upload) -> None:
    job = upload(ROWS)
    html = html_of(browser.get(address("import_job", job), {"format": "csv", **columns(q="poem")}))
    assert "no column is given to the field prompt" in html
    answer = browser.post(address("start_import", job), {"format": "csv", **columns(q="poem")}, follow=True)
    assert "&#x27;poem&#x27; is no field" in html_of(answer)
    assert ImportJob.objects.get().state == "uploaded"
    assert "this is CSV" in html_of(browser.get(address("import_job", job), {"format": "concord"}))


def test_errors_are_shown_and_downloaded(browser: Client, upload: Upload) -> None:
    job = upload(b'prompt,response_a,response_b,"=cmd"\n,x,y,z\n')
    mapping = {"prompt": "prompt", "response_a": "response.a", "response_b": "response.b", "=cmd": "metadata.x"}
    browser.post(address("start_import", job), {"format": "csv", **columns(**mapping)})
    assert run_import(import_job_id=job.pk) == "failed"
    ImportJob.objects.update(errors=[[2, "=cmd", "must not be empty"]])
    assert "must not be empty" in html_of(browser.get(address("import_job", job)))
    download = browser.get(address("import_errors", job))
    rows = list(csv.reader(io.StringIO(download.content.decode())))
    assert rows == [["line", "field", "message"], ["2", "'=cmd", "must not be empty"]]


def test_progress_is_told_until_the_end(browser: Client, upload: Upload) -> None:
    job = upload(ROWS)
    ImportJob.objects.update(state="queued", bytes_done=20)
    live = browser.get(address("import_live", job))
    assert "every 1s" in html_of(live)
    assert "HX-Refresh" not in live.headers
    assert browser.post(address("cancel_import", job)).status_code == 302
    ended = browser.get(address("import_live", job))
    assert "every 1s" not in html_of(ended)
    assert ended.headers["HX-Refresh"] == "true"


def test_others_find_nothing(upload: Upload, bob: User, oscar: User) -> None:
    job = upload(ROWS)
    for person, status in ((bob, 403), (oscar, 404)):
        client = Client()
        client.force_login(person)
        for name in ("import_job", "import_live", "import_errors"):
            assert client.get(address(name, job)).status_code == status
        for name in ("start_import", "cancel_import"):
            assert client.post(address(name, job)).status_code == status


def test_many_imports_cost_no_more_queries(
    browser: Client, campaign: Project, django_assert_max_num_queries: Any
) -> None:
    ImportJob.objects.bulk_create(ImportJob(project=campaign, file_name=f"f{n}.csv", size_bytes=1) for n in range(120))
    with django_assert_max_num_queries(12):
        first = html_of(browser.get(reverse("imports", args=["campaign"])))
    assert (first.count("<tr>"), "f119.csv" in first, "f69.csv" in first) == (51, True, False)
    older = ImportJob.objects.order_by("-id")[49].pk
    assert f"?before={older}" in first
    assert "f69.csv" in html_of(browser.get(reverse("imports", args=["campaign"]), {"before": older}))


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert quote_cell(text) == f"'{text}"
    assert quote_cell(f"a{text}") == f"a{text}"
