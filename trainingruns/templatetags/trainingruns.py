"""Filters of the pages on models and runs."""

from typing import Any

from django import template

from trainingruns import outcome_figures

register = template.Library()


@register.filter
def head_figure(metrics: dict[str, Any]) -> str:
    """The one figure that stands for a model in a list."""
    return outcome_figures.head_figure(metrics)
