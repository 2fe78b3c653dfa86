"""The scales of a project as the pure side knows them."""

from annotation.kinds.criteria import CriterionSpec
from annotation.models import Criterion, Project


def scales_of(*, project: Project) -> dict[str, CriterionSpec]:
    """{criterion name: its scale}."""
    return {
        row.name: CriterionSpec(row.name, row.minimum, row.maximum, row.step, row.required)
        for row in Criterion.objects.filter(project=project)
    }
