"""Jobs for verl, for models and numbers of machines beyond one node: written from a run directory, and brought back."""
