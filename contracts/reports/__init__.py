"""What a run leaves behind: the summary, JUnit, a page, the exchanges, a record to compare."""
