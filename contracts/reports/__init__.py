"""The reports of a run: summary, JUnit, HTML page, exchanges (HAR), and a record to compare."""
