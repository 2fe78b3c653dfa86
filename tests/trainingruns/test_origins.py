"""How tasks and responses name the run that they come from."""

from collections.abc import Callable

from trainingruns.models import Run
from trainingruns.services.asking_people import source_of


def test_all_names_begin_with_the_run(make_run: Callable[..., Run]) -> None:
    run = make_run(purpose={"then": "serve_blind_tasks", "rivals": [3, 5]})
    assert run.origin == f"run:{run.pk}"
    assert (run.origin_against(3), run.origin_against(5)) == (run.origin, f"{run.origin}:5")
    assert run.origin_at(20) == source_of(run, 20) == f"{run.origin}@20"
