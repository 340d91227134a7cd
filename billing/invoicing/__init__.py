"""Invoicing: from charges to bills, their lines and the VAT of each e-fapiao line."""
