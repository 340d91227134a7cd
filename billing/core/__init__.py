"""Words every stage shares: money, periods, findings, messages, digests. Imports nothing of ours."""
