"""PURE. From what people said about a prompt's responses to a score of each, for a policy to learn from."""

from collections import Counter

from trainingruns.pairs import PromptVotes


def score_responses(votes: PromptVotes) -> dict[str, float]:
    """The score of each compared text, from -1 to 1: the share of its comparisons that it won less that it lost.

    A single ranking gives evenly spaced scores, ties sharing theirs. Texts count without the blanks around them;
    equal texts are one, and their comparison with each other is none.
    """
    won: Counter[str] = Counter()
    compared: Counter[str] = Counter()
    for pair in votes.pairs.values():
        first, second = (votes.texts[key].strip() for key in (pair.first, pair.second))
        if first == second:
            continue
        lead, count = len(pair.wins) - len(pair.losses), len(pair.wins) + len(pair.losses) + len(pair.ties)
        for text, own_lead in ((first, lead), (second, -lead)):
            won[text] += own_lead
            compared[text] += count
    return {text: won[text] / count for text, count in compared.items()}
