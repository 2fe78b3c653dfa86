"""What an answer earns: parts, each a function of answers, and their weighted sum."""
