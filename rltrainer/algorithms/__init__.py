"""Algorithms as compositions of pure functions: what the rows of a step are and what the loss of a micro-batch is."""
