"""What a failed check means: verdicts and causes."""
