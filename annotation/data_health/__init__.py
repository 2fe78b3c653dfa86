"""PURE (numpy). Is the data clean, consistent, relevant, diverse and balanced? Each check with a count and its rows."""
