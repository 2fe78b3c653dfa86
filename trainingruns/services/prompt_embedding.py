"""Embeds the prompts that data health asks for, with the base model of the site."""

import logging
from pathlib import Path

from annotation.models import Project, ProjectReport
from annotation.services.project_reports import refresh_project_report
from annotation.services.prompt_embeddings import claim_sample, keep_reason, keep_vectors
from trainingruns.artifacts import artifact_path
from trainingruns.models import ModelVersion, Run
from trainingruns.prompt_vectors import CannotEmbed, embed_prompts
from trainingruns.services.runs import default_base

EMBED_JOB = "trainingruns.jobs.run_prompt_embedding"
logger = logging.getLogger(__name__)


def has_base(*, project: Project) -> bool:
    """Whether there is a model to embed with; until then the wish waits."""
    return _find_base(project) is not None


def embed_project_prompts(*, project: Project) -> bool:
    """Whether the project's prompts have vectors now. Its report of data health is computed anew, or says why not."""
    base = _find_base(project)
    texts = claim_sample(project=project) if base is not None else None
    if base is None or texts is None:
        return False
    try:
        vectors = embed_prompts(texts, folder=_folder(base))
        keep_vectors(project=project, texts=texts, vectors=vectors, model=str(base))
    except CannotEmbed as error:
        logger.warning("the prompts of project %s are not embedded: %s", project.pk, error)
        keep_reason(project=project, texts=texts, reason=str(error))
        is_done = False
    else:
        is_done = True
    refresh_project_report(project=project, section=ProjectReport.Section.DATA_HEALTH, anew=True)
    return is_done


def _find_base(project: Project) -> ModelVersion | None:
    # What a reward model would start from: never the project's own policy, which changes with every run.
    return default_base(project=project, kind=Run.Kind.REWARD)


def _folder(base: ModelVersion) -> Path:
    try:
        return artifact_path(base.artifact)
    except NotImplementedError as error:
        raise CannotEmbed("the storage of models has no local folders") from error
