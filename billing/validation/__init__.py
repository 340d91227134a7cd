"""Validation: rules as data, run by DuckDB over staged calls; what breaks a rule waits in suspense."""
