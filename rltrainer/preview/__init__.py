"""The command `preview`: what a run's configuration makes of one sample, token by token."""
