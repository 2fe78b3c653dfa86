"""Vectors of the prompts that data health looks at: asked for here, made by whoever has a model, kept here."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from annotation.agreement.observations import Floats
from annotation.models import Project, PromptEmbedding
from annotation.selectors.data_health import sample_prompts

RETRY_AFTER = timedelta(hours=1)
"""An attempt that failed is repeated with the first report after so long; one that was cut off, by itself."""
WAITING = "their embeddings wait for a base model and for the training worker"


@dataclass(frozen=True, slots=True)
class KnownEmbeddings:
    """Vectors of a sample with the model that made them, or the reason why there are none."""

    vectors: Floats | None = None
    model: str = ""
    reason: str = ""


@transaction.atomic
def find_embeddings(*, project: Project, texts: Sequence[str]) -> KnownEmbeddings:
    """What is known of exactly these texts; where that is nothing, it is asked for."""
    digest = _digest(texts)
    row, _ = PromptEmbedding.objects.get_or_create(project=project, defaults={"sample_sha256": digest})
    if row.sample_sha256 != digest:
        _save(project, texts, is_wanted=True)
        return KnownEmbeddings(reason=WAITING)
    if row.vectors is not None:
        vectors = np.frombuffer(row.vectors, "<f4").reshape(len(texts), row.dimensions)
        return KnownEmbeddings(vectors.astype(np.float64), row.model)
    if not row.is_wanted and row.changed_at < timezone.now() - RETRY_AFTER:
        _save(project, texts, is_wanted=True, reason=row.reason)
    return KnownEmbeddings(reason=row.reason or WAITING)


def claim_sample(*, project: Project) -> list[str] | None:
    """The texts to embed, for one caller; None where nobody asks for them (any more)."""
    wanted = PromptEmbedding.objects.filter(_is_due(), project=project)
    return sample_prompts(project=project) if wanted.update(is_wanted=False, changed_at=timezone.now()) else None


def keep_vectors(*, project: Project, texts: Sequence[str], vectors: Floats, model: str) -> None:
    """Keeps [texts, dimensions]. Raises: ValueError where that is not their shape, or a number is not finite."""
    if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
        raise ValueError(f"vectors of shape {vectors.shape} for {len(texts)} texts, or not finite")
    content, dimensions = np.ascontiguousarray(vectors, "<f4").tobytes(), vectors.shape[1]
    _save(project, texts, is_wanted=False, vectors=content, dimensions=dimensions, model=model)


def keep_reason(*, project: Project, texts: Sequence[str], reason: str) -> None:
    """Keeps why there are no vectors, as the page will say it."""
    _save(project, texts, is_wanted=False, reason=reason[:500])


def wanted_projects() -> list[int]:
    """Ids of the projects whose prompts should be embedded."""
    return list(PromptEmbedding.objects.filter(_is_due()).order_by("id").values_list("project_id", flat=True))


def _is_due() -> Q:
    """Asked for; or claimed long ago by a worker that never said how it ended."""
    return Q(is_wanted=True) | Q(vectors=None, reason="", changed_at__lt=timezone.now() - RETRY_AFTER)


def _save(project: Project, texts: Sequence[str], **fields: object) -> None:
    """The row anew, for these texts: what is not named is as if nothing was known."""
    blank = {"vectors": None, "dimensions": 0, "model": "", "reason": ""}
    values = {**blank, **fields, "sample_sha256": _digest(texts), "changed_at": timezone.now()}
    PromptEmbedding.objects.filter(project=project).update(**values)


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()
