"""The contract suite: holds any server to Flow Service's contract, over HTTP alone.

It knows nothing of the emulator's inside and needs no admin API, so that what it says of our server
it can say of a stage sandbox too. `run.py` is the way in; `registry.py` says how a check is written.
"""
