"""The second route: the month recomputed in SQL, from its own formulas, to be compared with the first."""
