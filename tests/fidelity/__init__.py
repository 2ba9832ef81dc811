"""The documented exchanges, replayed."""
