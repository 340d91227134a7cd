"""Late fees: what bills that were not paid in time cost their customers."""
