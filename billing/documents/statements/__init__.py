"""Commission statements of agents."""
