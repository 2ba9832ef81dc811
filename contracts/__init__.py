"""The contract suite: holds any server to Flow Service's contract, over HTTP alone.

It uses neither the emulator's internals nor an admin API, so that it can judge a stage sandbox in the same
way as our server. Start at `run.py`; `registry.py` explains how to write a check.

`broken/` has faulty servers that the suite must catch, `clients/` has faulty clients that the judge must catch. These
two use our server's public names or its `/_mock`.
"""
