"""PURE. Ranking: two to nine responses put into tiers, best first; the pairwise case has two responses."""

from annotation.kinds.ranking.answer import MOST_RESPONSES, RankingAnswer, from_mapping, parse_answer
from annotation.kinds.ranking.preferences import rank_vector, to_preferences

__all__ = ["MOST_RESPONSES", "RankingAnswer", "from_mapping", "parse_answer", "rank_vector", "to_preferences"]
