"""The ways a run can end early that are nobody's programming fault."""


class Diverged(RuntimeError):
    """A loss, gradient or weight stopped being a finite number."""


class Cancelled(RuntimeError):
    """The starter asked the run to stop."""


class Interrupted(Cancelled):
    """The wish to stop was seen inside a step: what the step had done is thrown away, and later done again."""


class Busy(RuntimeError):
    """Another process is at work on the same run directory."""
