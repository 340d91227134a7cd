"""The close report of a period and the page over all periods: one self-contained file each, in both languages."""
