"""The documented tutorials, step by step."""
