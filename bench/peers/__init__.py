"""Other tools that stand in for an HTTP service, measured beside ours where `make peers` has installed them.

A tool is one row of `PEERS`. Those that read a contract get ours.
"""
