"""Running trials: build, seed, fit, predict, measure, and know when a result can be used again."""
