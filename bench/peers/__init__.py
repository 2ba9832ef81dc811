"""Other tools that emulate an HTTP service, measured beside ours if `make peers` has installed them.

A tool is one row of `PEERS`. Those that read a contract get ours.
"""
