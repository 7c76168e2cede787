"""Settings of every test: hypothesis draws the same examples each time, and nothing is judged by speed."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("lab", derandomize=True, deadline=None)
settings.load_profile("lab")
