"""Flow runs: the rules for flows, schedules, the creation of runs and their outcome."""
