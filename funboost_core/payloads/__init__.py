"""Arguments that are more than JSON: what they become in a message, and again before the run."""
