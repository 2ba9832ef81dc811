"""A catalogue of a few connectors, for faulty servers: with all of them, specs are a fifth of the work of a run.

The whole catalogue has test_own_server.py, and each faulty server that is about specs: test_broken_servers.py.
"""

import functools
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from contracts.broken import proof
from mockserver.specs.connectors import CATALOGUE, Connectors

NAMES = (
    "activation-datalake",
    "adobe-campaign",
    "amazon-kinesis",
    "amazon-redshift",
    "amazon-s3",
    "amazon-s3-destination",
    "azure-blob-storage",
    "datalake",
    "generic-odata",
    "generic-rest-api",
    "http-api",
    "linkedin-ads",
    "oracle-netsuite-entities",
    "pathfactory",
    "postgresql",
    "profile-store",
    "shopify-streaming",
    "snowflake-streaming",
)
"""Those that checks and documented bodies name, and of each family one."""


@functools.cache
def few_connectors() -> Connectors:
    """These connectors, as if the catalogue had no others. Read once per process."""
    with TemporaryDirectory() as folder:
        for name in NAMES:
            shutil.copy(CATALOGUE / f"{name}.yaml", folder)
        found = Connectors(folder=Path(folder))
        found.all()  # reads them
    return found


def right_with_few_connectors() -> Any:
    """The correct server with these connectors, as an application."""
    emulator = proof.emulated({})
    emulator.world = emulator.world._replace(connectors=few_connectors())
    return proof.hurried(emulator)
