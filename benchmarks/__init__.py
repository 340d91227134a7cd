"""Benchmarks: cost as a ratio to bare conversion of the same files in the same run, never a timed test."""
