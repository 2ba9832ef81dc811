"""Trial that cuts the connection after each byte of a response; the client then repeats its write."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bad_network import between
from tests.calls import connection
from tests.torture.server import Client, Gone, Server, patch
from tests.torture.trial import Outcome, Say, trial


@trial(
    "cut responses",
    "a write whose response is cut at any byte is done once; its repetition gets 412",
    full=2_000,
    short=60,
)
def cut_answers(count: int, say: Say) -> Outcome:
    """Cut after up to `count` bytes; in the short form only every few bytes."""
    outcome = Outcome({"places an answer was cut at": 0})
    step = 1 if count >= 1_000 else 29
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server, between(server.port) as network:
        good = server.client()
        _, receipt = good("POST", "/connections", connection())
        path, etag = f"/connections/{receipt['id']}", receipt["etag"]
        for cut in range(0, count * step, step):
            network.cut_after(cut)
            client = Client(network.port)
            try:
                client("PATCH", path, patch(f"cut {cut}"), {"If-Match": etag})
                break  # the response is shorter and arrived completely
            except Gone:
                outcome.figures["places an answer was cut at"] += 1
            status, _ = client("PATCH", path, patch(f"again {cut}"), {"If-Match": etag})
            outcome.demand(status == 412, f"cut at {cut}: the repetition is told {status}")
            _, found = good("GET", path)
            outcome.demand(found["items"][0]["description"] == f"cut {cut}", f"cut at {cut}: done twice, or not at all")
            etag = found["items"][0]["etag"]
            client.close()
        else:
            outcome.wrong.append("the answer never ended")
    return outcome
