"""What was said: each request with its response, bounded and redacted."""

from mockserver.journal.journal import Journal, NothingRecorded

__all__ = ["Journal", "NothingRecorded"]
