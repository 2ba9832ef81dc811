"""The suite's own checks: one small function each, grouped by what they hold the server to."""
