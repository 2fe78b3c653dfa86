"""The ways a run can end early that are nobody's programming fault."""


class Diverged(RuntimeError):
    """A loss, gradient or weight stopped being a finite number."""


class Cancelled(RuntimeError):
    """The starter asked the run to stop; a checkpoint has been written."""


class Busy(RuntimeError):
    """Another process is at work on the same run directory."""
