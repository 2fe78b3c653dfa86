"""PURE. How well one person's judgments can be trusted: known answers, repeats, positions, pace; and when to pause."""
