"""The journal: the latest requests with their responses, bounded and redacted."""

from mockserver.journal.journal import Journal, NothingRecorded

__all__ = ["Journal", "NothingRecorded"]
