"""What the latest agreement report says week by week and of every two people."""

from annotation.agreement.pair_table import PairPerson, PairTable
from annotation.agreement.trend import TrendRecord
from annotation.models import AgreementDetail, Project
from annotation.selectors.project_reports import name_people


def load_trend(*, project: Project) -> list[TrendRecord]:
    """The records of all criteria, each statistic from its oldest week on."""
    trends = AgreementDetail.objects.filter(project=project).values_list("trend", flat=True)
    return [record for each in trends for record in each]


def criteria_of_details(*, project: Project) -> list[str]:
    """The criteria that the latest report is about, in its order."""
    return list(AgreementDetail.objects.filter(project=project).values_list("criterion", flat=True))


def load_pairs_of_people(*, project: Project, criterion: str | None = None) -> list[PairTable]:
    """The tables of all criteria, or of one; two queries."""
    rows = AgreementDetail.objects.filter(project=project).defer("trend")
    details = list(rows if criterion is None else rows.filter(criterion=criterion))
    names = name_people(ids=sorted({row[0] for each in details for row in each.people}))
    return [
        PairTable(
            criterion=each.criterion,
            people=[PairPerson(pk, *names[pk], comparisons, tasks) for pk, comparisons, tasks in each.people],
            cells={(row[0], row[1]): row[2:] for row in each.pairs},
            people_left_out=each.people_left_out,
        )
        for each in details
    ]
