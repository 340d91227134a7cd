"""A sample company made from a seed: its catalog and a month of calls, the same bytes on every machine."""
