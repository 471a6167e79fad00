"""Tables of evaluations and verdicts."""
