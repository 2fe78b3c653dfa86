"""An annotator crawls the whole site, pages and API, and does all the work there is: nothing tells what must stay hid.

Where pages and API are comes from the map of addresses, so a new one is crawled without being named here.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import product
from random import Random
from typing import Any

import orjson
import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from annotation.kinds.ranking import RankingAnswer
from annotation.models import Flag, Judgment, KeptAnswer, Project, Skip, Task, User
from annotation.services.project_reports import refresh_project_report
from annotation.services.reports import refresh_agreement_report
from annotation.services.verdicts import current_judgment_ids, give_verdict
from tests.annotation.api.conftest import GOLD_MARK, SOURCES, ClientOf, acquire, make_task, submit
from tests.annotation.api.test_blinding import FORBIDDEN_KEYS, keys_in

OF_OTHERS = "said-by-somebody-else"
TOLD = "told-after-practice"
SECRETS = (*SOURCES, GOLD_MARK, OF_OTHERS, "secret-tag", "secret-id", "secret-origin")
FORBIDDEN_NAMES = re.compile(r"source|gold|model|purpose|repeat|special|external|origin|known", re.IGNORECASE)
"""What no attribute of a page may be called, and no key of its data; `FORBIDDEN_KEYS` has more for the API."""
LEFT_OUT = ("admin/", "metrics", "healthz", "readyz", "api/schema/", "api/docs/", "accounts/logout/")
"""Not for annotators (admin asks for staff), without content of projects, or the end of the session."""


class Page(HTMLParser):
    """The names of all attributes of a page, and the data in its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.data: list[Any] = []
        self._in_data = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {name for name, _ in attrs}
        self._in_data = tag == "script" and ("type", "application/json") in attrs

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.data.append(orjson.loads(data))
            self._in_data = False


def patterns(resolver: URLResolver | None = None, before: str = "") -> Iterator[str]:
    for each in (resolver or get_resolver()).url_patterns:
        whole = before + str(each.pattern).removeprefix("^")
        if whole.startswith(LEFT_OUT):
            continue
        if isinstance(each, URLPattern):
            yield whole.removesuffix("$")
        else:
            yield from patterns(each, whole)


@pytest.fixture
def working_project(project: Project, client_of: ClientOf, people: dict[str, User]) -> Project:
    """A project in the midst of its work: others judged, flagged, skipped, decided; every kind of task exists."""
    carol = client_of("carol")
    for number in range(3):
        submit(carol, acquire(carol), key=f"carol-{number}", rationale=OF_OTHERS, tiers=[["A"], ["B", "C"]])
    first, second, third = project.tasks.order_by("id")
    Flag.objects.create(task=second, annotator=people["carol"], reason=OF_OTHERS)
    Skip.objects.create(task=third, annotator=people["alice"], reason=OF_OTHERS)
    KeptAnswer.objects.create(
        task=second, annotator=people["carol"], answer={"tiers": [[SOURCES[0]]]}, reason=OF_OTHERS
    )
    answer = {"tiers": [[key] for key in SOURCES]}
    give_verdict(
        task=first, reviewer=people["rita"], outcome="answer", answer=answer, reason=OF_OTHERS,
        based_on=current_judgment_ids(task=first),
    )  # fmt: skip
    for number, purpose in enumerate(["gold"] * 3 + ["practice", "qualification"] + ["normal"] * 9):
        made = make_task(project, f"secret-id-more-{number}")
        known = RankingAnswer(
            tiers=((SOURCES[0],), SOURCES[1:]), rationale=TOLD if purpose == "practice" else GOLD_MARK
        )
        known_answer = None if purpose == "normal" else known.as_mapping()
        Task.objects.filter(pk=made.pk).update(purpose=purpose, gold=known_answer, origin="secret-origin")
    Project.objects.filter(pk=project.pk).update(
        practice_tasks=1, qualification_tasks=1, pass_mark=0.0, gold_rate=0.3, repeat_rate=0.3, repeat_after=1
    )
    refresh_agreement_report(project=project)
    for section in ("consensus", "bias", "data_health"):
        refresh_project_report(project=project, section=section)
    return project


@pytest.fixture
def worked(
    working_project: Project, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> dict[str, list[dict[str, Any]]]:
    """Bob judges until there is nothing left: {purpose: what he was given}; `ack` holds every other answer he got."""
    monkeypatch.setattr("annotation.services.special_tasks.LUCK", Random(7))
    bob, seen = client_of("bob"), {"ack": []}
    work = bob.post("/api/v1/projects/cooking/acquire?html=true").json()
    for number in range(60):
        if work["task"] is None:
            seen["ack"].append(work)
            return seen
        lease, task = work["lease"]["token"], work["task"]["id"]
        seen.setdefault(Task.objects.get(pk=task).purpose, []).append(work)
        draft = {"answer": {"tiers": [["C"]], "scores": {"helpfulness": {"B": 1}}}, "version": 0}
        flag = {"reason": "odd"} if number % 5 == 0 else None
        seen["ack"] += [
            bob.put(f"/api/v1/leases/{lease}/draft", draft, format="json").json(),
            bob.post("/api/v1/projects/cooking/acquire").json(),
            submit(bob, work, key=f"bob-{number}", tiers=[["A"]]).json(),
            *([bob.post(f"/api/v1/tasks/{task}/flag", flag, format="json").json()] if flag else []),
        ]
        body = {"lease_token": lease, "answer": {"tiers": [["A"], ["B", "C"]]}, "next": True}
        sent = bob.post(
            f"/api/v1/tasks/{task}/judgments", body, format="json", headers={"Idempotency-Key": f"bob-{number}"}
        )
        assert sent.status_code == 201, sent.content
        work = sent.json().pop("next") or acquire(bob)
        seen["ack"].append({key: value for key, value in sent.json().items() if key != "next"})
    raise AssertionError("the work has no end")


def without_feedback(seen: list[dict[str, Any]]) -> str:
    """What was told at once after practice and test is told on purpose; everything else counts."""
    return orjson.dumps([{key: value for key, value in each.items() if key != "feedback"} for each in seen]).decode()


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__


def test_work_of_every_kind_looks_alike_and_tells_nothing(worked: dict[str, list[dict[str, Any]]]) -> None:
    assert worked.keys() == {"ack", "normal", "gold", "repeat", "practice", "qualification"}
    given = [work for purpose, works in worked.items() if purpose != "ack" for work in works]
    assert FORBIDDEN_KEYS.isdisjoint(keys_in([given, [{**each, "feedback": None} for each in worked["ack"]]]))
    assert [word for word in (*SECRETS, TOLD, "carol") if word in orjson.dumps(given).decode()] == []
    assert [word for word in (*SECRETS, TOLD, "carol") if word in without_feedback(worked["ack"])] == []
    told = orjson.dumps([each["feedback"] for each in worked["ack"] if "feedback" in each]).decode()
    assert TOLD in told
    assert [word for word in SECRETS if word in told] == []
    usual = [shape(work) for work in worked["normal"]]
    assert all(shape(work) in usual for purpose in ("gold", "repeat") for work in worked[purpose])
    assert {work["task"]["kind"] for work in given} == {"ranking"}
    openly = {purpose: {"stage" in work for work in works} for purpose, works in worked.items() if purpose != "ack"}
    assert openly == {
        "normal": {False}, "gold": {False}, "repeat": {False}, "practice": {True}, "qualification": {True},
    }  # fmt: skip


def test_no_address_tells_an_annotator_what_must_stay_hid(
    worked: dict[str, list[dict[str, Any]]], working_project: Project, people: dict[str, User]
) -> None:
    """Every address, with the ids of every task, judgment and person, by GET and as a form sent empty."""
    client = Client()
    client.force_login(people["bob"])
    answered: dict[str, set[int]] = {}
    faults = []
    for pattern in patterns():
        for path, method in product(addresses_of(pattern, working_project), ("get", "post")):
            response = getattr(client, method)(path, **({"follow": True} if method == "post" else {}))
            answered.setdefault(pattern, set()).add(response.status_code)
            faults += [(method, path, fault) for fault in faults_in(response, people)]
    assert faults == []
    assert sum(200 in statuses for statuses in answered.values()) > 20
    assert not any(status >= 500 for statuses in answered.values() for status in statuses)


def addresses_of(pattern: str, project: Project) -> list[str]:
    """Addresses of the pattern, one for each row that it could name, the rows of others included."""
    rows: dict[str, list[Any]] = {
        "slug": [project.slug],
        "task_id": [*project.tasks.order_by("id").values_list("pk", flat=True)[:3], project.tasks.latest("id").pk],
        "judgment_id": [Judgment.objects.filter(annotator__username=name).latest("id").pk for name in ("bob", "carol")],
        "user_id": list(User.objects.filter(username__in=["bob", "carol"]).values_list("pk", flat=True)),
        "kept_answer_id": [KeptAnswer.objects.get().pk],
        "flag_id": [Flag.objects.earliest("id").pk],
        "number": [project.guideline_version],
    }
    names = re.findall(r"<(?:\w+:)?(\w+)>", pattern)
    choices = [rows.get(name, [1]) for name in names]
    found = []
    for chosen in product(*choices):
        path = pattern
        for name, value in zip(names, chosen, strict=True):
            path = re.sub(rf"<(?:\w+:)?{name}>", str(value), path)
        found.append("/" + re.sub(r"\(\?P.*?\)(?=[-/])", "x", path))
    return found


def faults_in(response: Any, people: dict[str, User]) -> list[str]:
    body = b"".join(response) if response.streaming else response.content
    text = body.decode(errors="replace")
    words = [*SECRETS, TOLD, people["carol"].pseudonym, ">carol<", '"carol"']
    found = [f"says {word}" for word in words if word in text]
    kind = response.headers.get("Content-Type", "")
    if "json" in kind and body:
        return found + [f"has the key {key}" for key in FORBIDDEN_KEYS & set(keys_in(orjson.loads(body)))]
    if "html" in kind:
        page = Page(text)
        names = {name for name in page.names if FORBIDDEN_NAMES.search(name)}
        keys = {key for key in keys_in(page.data) if FORBIDDEN_NAMES.search(key)} | FORBIDDEN_KEYS & set(
            keys_in(page.data)
        )
        found += [f"has the attribute {name}" for name in names] + [f"has the key {key}" for key in keys]
    return found


def test_the_crawl_sees_what_it_looks_for(working_project: Project, people: dict[str, User]) -> None:
    """A reviewer, who may know all this, is told every bit of it."""
    client = Client()
    client.force_login(people["rita"])
    task = working_project.tasks.order_by("id")[1]
    faults = faults_in(client.get(f"/projects/cooking/tasks/{task.pk}/"), people)
    assert {f"says {SOURCES[0]}", f"says {OF_OTHERS}"} <= set(faults)
    listed = faults_in(client.get("/api/v1/projects/cooking/tasks"), people)
    assert any(fault.startswith("has the key") for fault in listed)
