"""The durable record of truth (the journal), what surrounds a run, and the mirror of both in MLflow."""
