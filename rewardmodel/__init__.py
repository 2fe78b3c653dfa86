"""Reward models from human preferences: Bradley-Terry training, evaluation and scoring."""
