"""Rating: from calls and the rating rows of a day to rated calls."""
