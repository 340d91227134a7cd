"""Settlement: what we owe each carrier for a month."""
