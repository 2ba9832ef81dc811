"""Requests with the answers they get, each with its provenance, replayed by `checks/examples.py`.

A file is a list of rows. `given: connection` makes one first: `{id}` and `{etag}` in path and headers
are then its own. `expect.body` is compared as far as it goes; a text in angle brackets stands for any
value of that kind. `cloud: azure` leaves a row out on a server for AWS, whose auth specs are fewer.
provenance: documented (a page states it), recorded (seen in a real answer), assumed.
"""
