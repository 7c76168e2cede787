"""A user's module that cannot be imported."""

raise RuntimeError("no licence")
