import mmap
import time

from rltrainer.rollouts.dynamic import Collected
from rltrainer.step_speed import describe_speed, resident_memory
from rltrainer.stopwatch import Stopwatch


def test_a_step_that_sampled_and_learned_nothing_has_no_speed():
    values = describe_speed(Collected([], [], 0, 0, {}), 0, Stopwatch())
    assert {name for name in values if name.startswith("tokens_per_second")} == set()
    assert values["peak_memory_mib"] > 1


def test_speed_counts_what_was_learned_from():
    watch = Stopwatch()
    with watch.part("train"):
        time.sleep(0.02)
    values = describe_speed(Collected([], [], 0, 0, {}), 100, watch)
    assert values["tokens_per_second_train"] == 100 / watch.seconds["train"] <= 5000


def test_resident_memory_rises_with_what_is_held():
    before = resident_memory()["resident_memory_mib"]
    # Memory of its own: a tensor might get some that earlier tests have freed and the process has kept.
    with mmap.mmap(-1, 32 * 2**20) as held:
        held.write(b"1" * len(held))
        assert resident_memory()["resident_memory_mib"] > before + 16
