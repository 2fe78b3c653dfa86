"""Freezing judgments into a hashed dataset."""

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from annotation.consensus.leanings import Leanings
from annotation.exceptions import ApplicationError
from annotation.models import Membership, Project, Response, User
from annotation.permissions import require_role
from annotation.selectors.leanings import load_leanings
from annotation.services import audit
from trainingruns.artifacts import artifact_path, file_digest
from trainingruns.examples import ExampleMaker
from trainingruns.models import Snapshot
from trainingruns.pairs import VIEWS, PromptVotes, Record, human_ceiling, make_records, split_bound, split_place
from trainingruns.run_directory import json_lines, write_atomically
from trainingruns.selectors.votes import (
    Provenance,
    apply_rulings,
    prompt_records,
    read_candidates,
    read_rulings,
    read_votes,
)

DEFAULT_FILTERS: dict[str, Any] = {
    "exclude_gold": True,
    "exclude_simulated": False,
    "since": None,
    "demonstration_sources": [],
}
MOST_SOURCES_NAMED = 20
"""Where one is named that wrote nothing."""
SPLIT_RULE = (
    "A prompt is held out when SHA-256(seed, NUL, its messages), read as a number in [0, 1), is below eval_share; "
    "when that holds out no prompt, the lowest one is."
)


@dataclass(slots=True)
class Contents:
    """What goes into a snapshot's files, and what is known about it."""

    train: list[Record] = field(default_factory=list)
    eval: list[Record] = field(default_factory=list)
    examples_train: list[Record] = field(default_factory=list)
    examples_eval: list[Record] = field(default_factory=list)
    eval_prompts: list[PromptVotes] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    dropped_examples: Counter[str] = field(default_factory=Counter)
    provenance: Provenance = field(default_factory=Provenance)
    verdict_ids: list[int] = field(default_factory=list)
    """Of the view `verdicts`: the current verdicts, those that leave a task out among them."""

    @property
    def judgment_ids(self) -> list[int]:
        """Judgments behind at least one record, in order."""
        records = [*self.train, *self.eval, *self.examples_train, *self.examples_eval]
        return sorted({each for record in records for each in record["judgments"]})

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to learn from."""
        return not (self.train or self.eval or self.examples_train or self.examples_eval)


def create_snapshot(
    *,
    project: Project,
    view: str = "majority",
    eval_share: float = 0.1,
    seed: int = 0,
    filters: Mapping[str, Any] | None = None,
    created_by: User | None = None,
) -> Snapshot:
    """A frozen dataset of the project's current rankings and of responses to imitate, split by prompt.

    The same judgments with the same settings give the same sha256, and then the same snapshot is returned again.
    Raises: ApplicationError when a setting is wrong or there is nothing to freeze.
    """
    if created_by is not None:
        require_role(user=created_by, project=project, role=Membership.Role.MANAGER)
    checked = _check_settings(view, eval_share, seed, filters)
    _check_sources(project, checked["demonstration_sources"])
    settings = {"view": view, "eval_share": eval_share, "seed": seed, "filters": checked}
    contents = _gather(project, settings)
    if contents.is_empty:
        raise ApplicationError(_nothing(project, contents), code="nothing_to_freeze")
    root = artifact_path(f"snapshots/{project.slug}")
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=root) as folder:
        manifest = _write_files(Path(folder), project, settings, contents)
        sha256 = file_digest(Path(folder) / "manifest.json")
        return _store(project, settings, contents, manifest, sha256, Path(folder), created_by)


@transaction.atomic
def _store(
    project: Project,
    settings: dict[str, Any],
    contents: Contents,
    manifest: dict[str, Any],
    sha256: str,
    folder: Path,
    created_by: User | None,
) -> Snapshot:
    # The lock gives numbers without gaps and lets equal snapshots, made at once, meet here.
    Project.objects.select_for_update().get(pk=project.pk)
    if (known := Snapshot.objects.filter(project=project, sha256=sha256).first()) is not None:
        return known
    path = _publish(folder, f"snapshots/{project.slug}/{sha256[:16]}")
    highest = Snapshot.objects.filter(project=project).aggregate(Max("number"))["number__max"] or 0
    ids = contents.judgment_ids
    snapshot = Snapshot.objects.create(
        project=project,
        number=highest + 1,
        path=path,
        sha256=sha256,
        manifest=manifest,
        created_by=created_by,
        train_pairs=len(contents.train),
        eval_pairs=len(contents.eval),
        judgments=len(ids),
        newest_judgment_id=max(ids, default=0),
        **settings,
    )
    _link_judgments(snapshot, ids)
    audit.record(actor=created_by, action="create_snapshot", obj=snapshot, project=project, data={"sha256": sha256})
    return snapshot


def _gather(project: Project, settings: Mapping[str, Any]) -> Contents:
    contents = Contents()
    prompts = list(read_votes(project=project, filters=settings["filters"], provenance=contents.provenance))
    leanings = _leanings(project, settings)
    settled = prompts
    if settings["view"] == Snapshot.View.VERDICTS:
        rulings = read_rulings(project=project, filters=settings["filters"])
        settled = list(apply_rulings(prompts, rulings))
        contents.verdict_ids = sorted(each.verdict_id for found in rulings.values() for each in found)
    records = {
        prompt.prompt_id: list(make_records(settings["view"], prompt, contents.dropped, leanings)) for prompt in settled
    }
    places = {prompt.prompt_id: split_place(prompt.messages, seed=settings["seed"]) for prompt in settled}
    candidates = read_candidates(project=project, filters=settings["filters"])
    examples = ExampleMaker(contents.dropped_examples).make(settled, candidates)
    places.update({each["prompt_id"]: split_place(each["prompt"], seed=settings["seed"]) for each in examples})
    paired = [places[key] for key, made in records.items() if made]
    bound = split_bound(paired or [places[each["prompt_id"]] for each in examples], share=settings["eval_share"])
    for each in examples:
        is_held_out = places[each["prompt_id"]] <= bound
        (contents.examples_eval if is_held_out else contents.examples_train).append(each)
    for prompt in settled:
        (contents.eval if places[prompt.prompt_id] <= bound else contents.train).extend(records[prompt.prompt_id])
    # How far people agree is told by what they said, whatever a reviewer made of it.
    contents.eval_prompts = [prompt for prompt in prompts if places[prompt.prompt_id] <= bound]
    return contents


def _leanings(project: Project, settings: Mapping[str, Any]) -> Leanings | None:
    """What the crowd says of every pair, from the judgments that the snapshot is made of."""
    if settings["view"] != Snapshot.View.CONSENSUS:
        return None
    filters = {name: settings["filters"][name] for name in ("since", "exclude_simulated", "exclude_gold")}
    return load_leanings(project=project, prompts_by="id", **filters)


def _write_files(folder: Path, project: Project, settings: Mapping[str, Any], contents: Contents) -> dict[str, Any]:
    files = {
        "train.jsonl": contents.train,
        "eval.jsonl": contents.eval,
        "sft_train.jsonl": contents.examples_train,
        "sft_eval.jsonl": contents.examples_eval,
        "prompts.jsonl": list(prompt_records(project=project)),
    }
    for name, rows in files.items():
        write_atomically(folder / name, json_lines(rows))
    manifest = {
        "schema": 1,
        "project": project.slug,
        **settings,
        "split_rule": SPLIT_RULE,
        "files": {name: _describe(folder / name, rows) for name, rows in files.items()},
        **_facts(contents),
    }
    write_atomically(folder / "manifest.json", json.dumps(manifest, sort_keys=True, indent=1).encode())
    return manifest


def _facts(contents: Contents) -> dict[str, Any]:
    ids = contents.judgment_ids
    return {
        "counts": {
            "train_pairs": len(contents.train),
            "eval_pairs": len(contents.eval),
            "train_prompts": len({record["prompt_id"] for record in contents.train}),
            "eval_prompts": len({record["prompt_id"] for record in contents.eval}),
            "train_examples": len(contents.examples_train),
            "eval_examples": len(contents.examples_eval),
        },
        "dropped": dict(sorted(contents.dropped.items())),
        "examples": {
            "origins": dict(sorted(Counter(each["origin"] for each in _examples(contents)).items())),
            "dropped": dict(sorted(contents.dropped_examples.items())),
        },
        "judgments": {
            "count": len(ids),
            "newest_id": max(ids, default=0),
            "sha256": hashlib.sha256(json.dumps(ids).encode()).hexdigest(),
            "simulated": contents.provenance.simulated,
        },
        **({"verdicts": contents.verdict_ids} if contents.verdict_ids else {}),
        "guideline_versions": {
            str(version): count for version, count in sorted(contents.provenance.guideline_versions.items())
        },
        "human_ceiling": human_ceiling(contents.eval_prompts),
    }


def _examples(contents: Contents) -> list[Record]:
    return [*contents.examples_train, *contents.examples_eval]


def _describe(path: Path, rows: Iterable[Any]) -> dict[str, Any]:
    return {"sha256": file_digest(path), "bytes": path.stat().st_size, "records": len(list(rows))}


def _publish(folder: Path, name: str) -> str:
    target = artifact_path(name)
    if not target.exists():
        ready = folder.with_name(f"{folder.name}-ready")
        shutil.copytree(folder, ready)
        # Temporary folders are closed to everybody else; workers may run under another user.
        ready.chmod(0o755)
        ready.replace(target)
    return name


def _link_judgments(snapshot: Snapshot, ids: list[int]) -> None:
    statement = "COPY trainingruns_snapshotjudgment (snapshot_id, judgment_id) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for judgment_id in ids:
            copy.write_row((snapshot.pk, judgment_id))


def _check_settings(view: str, eval_share: float, seed: int, filters: Mapping[str, Any] | None) -> dict[str, Any]:
    faults = []
    if view not in VIEWS:
        faults.append(f"view: expected one of {', '.join(VIEWS)}, got {view!r}")
    if not 0 <= eval_share <= 0.5:
        faults.append(f"eval_share: must be from 0 to 0.5, got {eval_share}")
    if seed < 0:
        faults.append(f"seed: must be 0 or more, got {seed}")
    faults += [
        f"filters.{key}: unknown key (known here: {', '.join(DEFAULT_FILTERS)})"
        for key in filters or {}
        if key not in DEFAULT_FILTERS
    ]
    sources = (filters or {}).get("demonstration_sources", [])
    if not isinstance(sources, list) or not all(isinstance(source, str) and source for source in sources):
        faults.append(f"filters.demonstration_sources: expected a list of sources' names, got {sources!r}")
    if faults:
        raise ApplicationError(f"{'; '.join(faults)}.", code="invalid_settings", extra={"faults": faults})
    return {**DEFAULT_FILTERS, **(filters or {})}


def _check_sources(project: Project, sources: Iterable[str]) -> None:
    """Raises: ApplicationError `invalid_settings` where a source is named that wrote no response of the project."""
    responses = Response.objects.filter(prompt__project=project)
    unknown = set(sources) - set(responses.filter(source__in=sources).values_list("source", flat=True))
    if not unknown:
        return
    named = responses.exclude(source="").order_by("source").values_list("source", flat=True)
    known = list(named.distinct()[: MOST_SOURCES_NAMED + 1])
    names = [*known[:MOST_SOURCES_NAMED], *(["…"] if len(known) > MOST_SOURCES_NAMED else [])]
    faults = [
        f"filters.demonstration_sources: no response is by {source!r} (sources here: {', '.join(names) or 'none'})"
        for source in sorted(unknown)
    ]
    raise ApplicationError(f"{'; '.join(faults)}.", code="invalid_settings", extra={"faults": faults})


def _nothing(project: Project, contents: Contents) -> str:
    if project.kind != "ranking":
        return (
            "There is nothing to freeze: only rankings say which of two responses people prefer, and no response is by "
            "a source that is named as a person's."
        )
    why = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in sorted(contents.dropped.items()))
    return f"There is nothing to freeze: no judgment decides between two responses{f' ({why})' if why else ''}."
