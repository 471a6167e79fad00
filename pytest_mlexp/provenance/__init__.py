"""What a result depends on, part by part, and what changed when it has to be computed again."""
