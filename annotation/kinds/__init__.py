"""PURE. The feedback kinds, one slice each: what an answer is, what is wrong with it, which preferences follow from it.

To add a kind, copy a slice and name it in `annotation.kinds.registry`.
"""
