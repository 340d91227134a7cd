"""Bad trees are read by the rules, never collected."""

collect_ignore = ["bad"]
