"""Resource fees: what the numbers we hold licences for cost us."""
