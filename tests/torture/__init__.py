"""What must hold whatever happens: kills, races, full disks, clock steps, cut connections, crowds, hours.

`make torture` runs all of it in full and prints a table; `make test` runs each trial in short.
"""
