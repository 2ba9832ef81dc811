"""Trial of full disks of every size: writes are refused, reads continue, and with space writes continue."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import textwrap

from tests.torture.server import ROOT
from tests.torture.trial import Outcome, Say, trial

STEP = 1_777
"""Bytes; not a divisor of a page, so that the limit falls at every position in it."""

_CHILD = textwrap.dedent(
    """
    import json, resource, sys
    from pathlib import Path
    from mockserver.exchange import Tenant
    from mockserver.runtime import Runtime
    from mockserver.state.places import open_store
    from mockserver.state.store import StorageUnavailable

    def room(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    tenant, wrong, refused, written = Tenant("org", "prod"), [], 0, 0

    def put(store, entity_id):
        return store.insert(tenant, "c", {"id": entity_id, "updatedAt": 5, "text": "x" * 700})["id"]

    def full_after(size, path):
        global refused, written
        store = open_store(str(path), Runtime(1))
        kept = [put(store, "first")]
        room(size)
        for number in range(60):
            try:
                kept.append(put(store, str(number)))
            except StorageUnavailable:
                refused += 1
            if store.count(tenant, "c") != len(kept) or store.get(tenant, "c", "first") is None:
                wrong.append(f"{size} bytes: reads differ from what was acknowledged")
        room(resource.RLIM_INFINITY)
        kept.append(put(store, "after"))
        store.close()
        written += len(kept)
        again = open_store(str(path), Runtime(1))
        if sorted(doc["id"] for doc in again.all(tenant, "c")) != sorted(kept):
            wrong.append(f"{size} bytes: another state after the restart")
        again.close()

    for number in range(int(sys.argv[2])):
        full_after(int(sys.argv[3]) * (number + 1), Path(sys.argv[1]) / f"{number}.db")
        for file in Path(sys.argv[1]).iterdir():
            file.unlink()
    print(json.dumps([wrong, refused, written]))
    """
)


@trial(
    "full disks",
    "a write without space is refused, reads continue, and with space writes continue; nothing is lost",
    full=200,
    short=4,
)
def full_disks(count: int, say: Say) -> Outcome:
    say(f"{count} sizes of a disk")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _CHILD, folder, str(count), str(STEP if count > 50 else 40 * STEP)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        return Outcome(wrong=[done.stderr[-2000:]])
    wrong, refused, written = json.loads(done.stdout)
    outcome = Outcome({"sizes of a disk": count, "writes refused": refused, "records kept": written}, wrong)
    outcome.demand(refused > 0, "no write was ever refused")
    return outcome
