import torch

from rltrainer.layouts import Cluster, lay_out, plan_micro_batches

CPU = torch.device("cpu")


def test_completions_share_their_prompt_and_are_blind_to_each_other():
    layout = lay_out([Cluster((7, 8), ((1, 2), (3,)), (0, 1))], device=CPU)
    assert layout.input_ids.tolist() == [[7, 8, 1, 2, 3]]
    assert layout.position_ids.tolist() == [[0, 1, 2, 3, 2]]
    assert layout.visible[0].int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 0, 0, 1],
    ]
    # The prompt's last place predicts the first token of both.
    assert layout.sources.tolist() == [1, 2, 1]
    assert layout.targets.tolist() == [1, 2, 3]


def test_single_completions_need_no_mask_and_padding_stands_on_the_right():
    layout = lay_out([Cluster((7,), ((1, 2),), (1,)), Cluster((7,), ((3,),), (0,))], device=CPU)
    assert layout.input_ids.tolist() == [[7, 1, 2], [7, 3, 0]]
    assert layout.visible is None
    assert layout.sources.tolist() == [0, 1, 3]
    assert layout.rows == (1, 0)


def test_padding_sees_something_so_that_no_softmax_is_empty():
    clusters = [Cluster((7,), ((1,), (2,)), (0, 1)), Cluster((7,), ((3,),), (2,))]
    assert bool(lay_out(clusters, device=CPU).visible.any(dim=2).all())


def test_every_row_is_planned_once_within_the_budget():
    pairs = [((prompt,) * (3 + prompt), (9,) * (1 + row % 5)) for prompt in range(4) for row in range(6)]
    batches = plan_micro_batches(pairs, max_tokens=20, width=64)
    assert sorted(row for batch in batches for cluster in batch for row in cluster.rows) == list(range(24))
    assert all(len(batch) * max(c.tokens for c in batch) <= 20 for batch in batches)
    for cluster in (cluster for batch in batches for cluster in batch):
        assert [pairs[row] for row in cluster.rows] == [(cluster.prompt_ids, own) for own in cluster.completions]


def test_a_completion_over_the_budget_runs_alone():
    batches = plan_micro_batches([((1,) * 30, (2,) * 30), ((1,) * 30, (3,) * 30)], max_tokens=10, width=64)
    assert [[len(cluster.rows) for cluster in batch] for batch in batches] == [[1], [1]]


def test_prompts_are_shared_where_that_is_cheaper():
    long_prompt = [((1,) * 60, (row,) * 4) for row in range(8)]
    assert [len(c.rows) for b in plan_micro_batches(long_prompt, max_tokens=500, width=576) for c in b] == [8]
    # 8 x (60 + 64) tokens at width 576: two clusters of four are cheaper than one of eight.
    even = [((1,) * 60, (row,) * 64) for row in range(8)]
    assert [len(c.rows) for b in plan_micro_batches(even, max_tokens=1024, width=576) for c in b] == [4, 4]
    long_answers = [((1,), (row,) * 400) for row in range(2)]
    assert [len(c.rows) for b in plan_micro_batches(long_answers, max_tokens=4000, width=64) for c in b] == [1, 1]
