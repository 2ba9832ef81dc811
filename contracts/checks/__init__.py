"""The suite's own checks: one small function each, grouped by subject."""
