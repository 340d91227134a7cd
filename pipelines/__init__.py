"""Order, paths, clock and user: everything that turns the stages of `billing` into commands on books."""
