"""PURE. Scalar: responses scored on criteria, one response a task."""

from annotation.kinds.scalar.answer import (
    MOST_RESPONSES,
    ScalarAnswer,
    from_mapping,
    parse_answer,
    select_response,
    to_preferences,
)

__all__ = ["MOST_RESPONSES", "ScalarAnswer", "from_mapping", "parse_answer", "select_response", "to_preferences"]
