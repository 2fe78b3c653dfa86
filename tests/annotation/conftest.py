"""Property tests without a stopwatch: a busy machine is no defect, and 60 examples keep the suite fast."""

from hypothesis import settings

settings.register_profile("concord", deadline=None, max_examples=60)
settings.load_profile("concord")
