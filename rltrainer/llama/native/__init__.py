"""Kernels in C for what torch's operations are too coarse for, compiled where the trainer runs."""
