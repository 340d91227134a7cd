"""Allowances: units paid for already, by lot; which calls draw them, and what that takes off the bill."""
