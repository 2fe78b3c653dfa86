"""PURE. Agreement that needs no model of chance: how often two people say the same."""

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import FIRST, SECOND, Floats
from annotation.agreement.statistic import Share, sum_by


def pairwise_agreement(table: JudgmentTable) -> Share:
    """The share of annotator pairs that give a unit the same value.

    Every pair of annotators on every unit counts once. Missing data: pairs exist where both judged the unit. Chance
    agreement is part of it: with two equally likely values it is 0.5 for people who toss coins.
    """
    unit, _, count = table.count_categories()
    same = sum_by(unit, count * (count - 1), table.units)
    sizes = table.unit_sizes.astype(np.float64)
    return Share(
        sum_by(table.task_of_unit, same, table.tasks), sum_by(table.task_of_unit, sizes * (sizes - 1), table.tasks)
    )


def percent_agreement(table: JudgmentTable) -> Share:
    """The same share, but every unit counts once, however many judged it: the observed agreement of Fleiss and Gwet."""
    unit, _, count = table.count_categories()
    sizes = table.unit_sizes.astype(np.float64)
    same = sum_by(unit, count * (count - 1), table.units) / (sizes * (sizes - 1))
    return Share(
        sum_by(table.task_of_unit, same, table.tasks),
        np.bincount(table.task_of_unit, minlength=table.tasks).astype(np.float64),
    )


def strict_agreement(table: JudgmentTable) -> Share:
    """The share of annotator pairs that prefer the same response, among the pairs of whom neither calls a tie.

    This is what is usually published for human preferences ("agreement without ties"): 0.5 is a coin.

    table: units are pairs of responses, values FIRST, TIE, SECOND.
    """
    first, second = count_value(table, FIRST), count_value(table, SECOND)
    strict = first + second
    same = first * (first - 1) + second * (second - 1)
    return Share(
        sum_by(table.task_of_unit, same, table.tasks), sum_by(table.task_of_unit, strict * (strict - 1), table.tasks)
    )


def leave_one_out_accuracy(table: JudgmentTable) -> Share:
    """How often an annotator's strict choice between two responses is that of the majority of the others.

    This is the human ceiling for a reward model, which is scored the same way: on strict choices against what people
    decided. The others decide when more of them prefer one response than the other (who ties them has no say in it);
    choices where they are even or silent are left out.

    table: units are pairs of responses, values FIRST, TIE, SECOND.
    """
    first, second = count_value(table, FIRST), count_value(table, SECOND)
    agree = first * (first - 1 > second) + second * (second - 1 > first)
    differ = first * (first - 1 < second) + second * (second - 1 < first)
    return Share(
        sum_by(table.task_of_unit, agree, table.tasks), sum_by(table.task_of_unit, agree + differ, table.tasks)
    )


def count_value(table: JudgmentTable, value: int) -> Floats:
    """[units] how many judgments of each unit have this value."""
    holds = table.values[table.category] == value
    return sum_by(table.unit, holds.astype(np.float64), table.units)
