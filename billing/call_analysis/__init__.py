"""Call analysis: how calls went, by number, hour, weekday and the caller's province."""
