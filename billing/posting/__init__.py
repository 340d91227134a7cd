"""Posting: the debit and credit legs of the month's documents."""
