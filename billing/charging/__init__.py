"""Charging: from the month's usage sums to what each account owes."""
