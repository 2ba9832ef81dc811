"""The contract suite: holds any server to Flow Service's contract, over HTTP alone.

It knows nothing of the emulator's inside and needs no admin API, so that what it says of our server
it can say of a stage sandbox too. `run.py` is the way in; `registry.py` says how a check is written.

`broken/` and `clients/` are what is proved against: wrong servers for the suite, wrong clients for the judge. These two
know our server, by its public names or its `/_mock`.
"""
