"""A recording: written without secrets, read back, and what can be learned from it: a state, quirks."""
