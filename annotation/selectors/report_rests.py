"""How long reports rest: they take a share of the time, however many projects there are and however long one takes."""

REST = 20
"""A report that took long waits this many times as long for the next one, and all others wait with it."""
