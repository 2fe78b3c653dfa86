"""PURE (numpy). What annotators say together, with its uncertainty.

Start at `crowd.py`: choices between two responses, the reliability and position bias of who made them, and how often
they tie, estimated together. `dawid_skene.py` is for answers without an order, `ratings.py` for scores,
`bradley_terry.py` and `plackett_luce.py` for choices and rankings whose makers do not matter.
"""
