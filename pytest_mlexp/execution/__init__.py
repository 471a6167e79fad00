"""Running trials: build, seed, fit, predict, measure; outcomes, kept and shared."""
