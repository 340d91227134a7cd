"""Customer bills: what a month costs a customer and how it came about."""
