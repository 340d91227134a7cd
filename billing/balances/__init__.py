"""Balances: what contracts owe by bills and receipts, and what agents are paid or carry into the next month."""
