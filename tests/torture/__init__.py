"""Trials of promises under kills, races, full disks, clock steps, cut connections, crowds, long runs.

`make torture` runs all of it in full and prints a table; `make test` runs each trial in short.
"""
