"""Replays the documented exchanges."""
