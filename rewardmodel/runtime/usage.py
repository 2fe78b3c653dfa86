"""How a program is called, for whoever asks or errs. Standard library only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HELP = ("-h", "--help")


@dataclass(frozen=True, slots=True)
class Usage:
    """The command line of a program."""

    program: str
    """The package that `python -m` starts."""
    runs: Mapping[str, str]
    """What each command does that takes a run directory and nothing else."""
    others: Mapping[str, tuple[str, str]]
    """Arguments of each other command, and what it does."""

    def describe(self) -> str:
        """The forms of the command, and a line for each."""
        start = f"python -m {self.program}"
        forms = [f"{'|'.join(self.runs)} RUN_DIR", *(f"{name} {asked}" for name, (asked, _) in self.others.items())]
        told = {**self.runs, **{name: what for name, (_, what) in self.others.items()}}
        width = max(map(len, told)) + 2
        lines = [f"{'usage:' if not number else '':7}{start} {form}" for number, form in enumerate(forms)]
        return "\n".join([*lines, "", *(f"  {name:{width}}{what}" for name, what in told.items())])


def asks_for_help(argv: Sequence[str]) -> bool:
    """Whether somebody wants to be told and not to run anything."""
    return any(argument in HELP for argument in argv)
