"""`make mutation`: how many small faults in the code the tests notice."""
