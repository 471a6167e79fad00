"""Rules on metrics, and what judging them says."""
