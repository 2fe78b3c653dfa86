"""What a sample run lacks that people are to rank: without log-probs a policy learns nothing from what they say."""

from trainingruns.models import Run
from trainingruns.wishes import MAKE_RANKING_TASKS


def doubts_about_sampling(run: Run) -> list[str]:
    """A sentence where people rank the responses of a sample run from which no policy can learn; else nothing."""
    if run.kind != Run.Kind.SAMPLE or run.purpose.get("then") != MAKE_RANKING_TASKS:
        return []
    if run.config.get("sampling", {}).get("keep_log_probs"):
        return []
    return [
        "No policy can learn from what people say of these responses, for the run keeps no log-probs; where that is "
        "wanted, sample with sampling.keep_log_probs true, sampling.top_p 1 and a temperature above 0."
    ]
