"""Documents: bills, commission statements, settlement sheets and the period's index, as plain self-contained HTML."""
