"""Experiments as tests: each model x dataset x evaluator x device combination is one pytest test."""
