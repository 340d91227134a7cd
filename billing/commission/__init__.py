"""Commission: what agents earn from receipts and function fees, and what of it may be paid out."""
