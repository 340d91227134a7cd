"""The price book: dated YAML, checked and turned into values and tables."""
