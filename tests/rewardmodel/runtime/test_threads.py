import pytest
import torch

from rewardmodel.runtime.threads import ThreadWatch, Usage, read_usage, threads_beside


@pytest.fixture(autouse=True)
def same_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("cores", "others", "threads", "expected"),
    [
        (2, 0.0, 1, 2),
        (2, 0.5, 2, 1),
        (2, 1.8, 2, 1),
        (2, 0.1, 1, 1),
        (2, 0.1, 2, 2),
        (8, 0.3, 8, 7),
        (8, 3.2, 8, 5),
        (8, 20.0, 8, 1),
        (1, 0.9, 1, 1),
    ],
)
def test_others_get_their_cores(cores, others, threads, expected):
    assert threads_beside(cores=cores, others=others, threads=threads) == expected


def _watch(monkeypatch, *usages, pinned=False):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(4)))
    given = iter(usages)
    return ThreadWatch(pinned=pinned, usage=lambda: next(given))


def test_threads_follow_what_others_use(monkeypatch):
    # In 10 seconds the others use 10 seconds, then nothing; what we use ourselves never counts.
    watch = _watch(monkeypatch, Usage(0, 100, 5), Usage(10, 140, 35), Usage(20, 170, 65))
    torch.set_num_threads(4)
    assert watch.adjust() == 3 == torch.get_num_threads()
    assert watch.adjust() == 4 == torch.get_num_threads()


def test_a_pinned_number_stays(monkeypatch):
    torch.set_num_threads(2)
    assert _watch(monkeypatch, Usage(0, 100, 5), Usage(10, 140, 5), pinned=True).adjust() == 2


def test_too_short_a_time_tells_nothing(monkeypatch):
    torch.set_num_threads(2)
    assert _watch(monkeypatch, Usage(0, 100, 5), Usage(0.1, 140, 5)).adjust() == 2


def test_usage_of_this_machine_grows():
    before = read_usage()
    assert before is not None
    sum(range(3_000_000))
    after = read_usage()
    assert after.own > before.own
    assert after.everybody >= before.everybody
