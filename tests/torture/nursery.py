"""A process that has imported the server and forks one per request, so that a start takes no time.

    python -m tests.torture.nursery --state f.db

Each line on stdin is a start; stdout has `pid N`, the server's banner, and `dead` when it is. It is a
process like any other: it opens its files itself, answers over HTTP and dies of SIGKILL.
"""

from __future__ import annotations

import os
import sys

from mockserver import config
from mockserver.cli.serving import serve_forever
from mockserver.contract import Contract
from mockserver.specs.connectors import Connectors


def main() -> None:
    settings = config.load({"port": 0, "log": "none", "state": sys.argv[2]}, {})
    Contract.load()
    Connectors.load(settings.platform)

    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            print("pid", os.getpid(), flush=True)
            os._exit(serve_forever(settings, lambda text: print(text, flush=True)))
        os.waitpid(child, 0)
        print("dead", flush=True)


if __name__ == "__main__":
    main()
