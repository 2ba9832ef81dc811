"""Tests of the image's promises without an engine: process 1, signals, read-only root, health."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from mockserver import Config
from tests.publishing.files import JOBS, ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
NAMESPACES = [
    ["unshare", "--mount", "--pid", "--fork", "--kill-child"],
    ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"],
]
READ_ONLY = 'mount --make-rprivate / && mount -o remount,bind,ro / && exec "$@"'


def container() -> list[str]:
    """A prefix that makes a command process 1 under a read-only root; empty if the system does not permit it."""
    for namespace in NAMESPACES:
        words = [*namespace, "sh", "-c", READ_ONLY, "sh"]
        try:
            if subprocess.run([*words, "true"], capture_output=True, timeout=30).returncode == 0:
                return words
        except OSError:
            break
    return []


@contextmanager
def contained(**environ: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server as started by the image, and its port."""
    given = {
        "PATH": os.environ["PATH"],
        "MOCKSERVER_PORT": "0",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    process = subprocess.Popen(
        [*container(), sys.executable, "-m", "mockserver", "serve"],
        cwd=ROOT,
        env={**given, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout
        for line in process.stdout:
            found = re.search(r"http://[^:]+:(\d+)/openapi.yaml", line)
            if found:
                yield process, found[1]
                break
        else:
            raise AssertionError("the server did not start")
    finally:
        process.kill()
        process.communicate()


def server_of(process: subprocess.Popen[str]) -> int:
    """The server's own process as seen from here: the child of `unshare`, if any."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0]) if children else process.pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_as_process_1_under_a_read_only_root_it_serves_and_ends_on_a_signal(number: signal.Signals) -> None:
    with contained(MOCKSERVER_HOST="0.0.0.0", MOCKSERVER_ADMIN_TOKEN="sesame") as (process, port):
        server = server_of(process)
        if container():
            names = Path(f"/proc/{server}/status").read_text()
            assert re.search(r"^NSpid:\s+\d+\s+1$", names, re.MULTILINE)
        assert healthy(port)
        os.kill(server, number)
        assert process.wait(timeout=30) == 0


def healthy(port: str) -> bool:
    """Run the HEALTHCHECK of the Dockerfile."""
    found = re.search(r"HEALTHCHECK .*?CMD (\[.*?\])\n(?=ENTRYPOINT)", DOCKERFILE, re.DOTALL)
    assert found
    _, *words = json.loads(found[1].replace("\\\n", ""))
    environ = {**os.environ, "MOCKSERVER_PORT": port}
    return subprocess.run([sys.executable, *words], env=environ, capture_output=True, timeout=30).returncode == 0


def test_a_server_that_does_not_answer_is_not_healthy() -> None:
    assert not healthy("9")


def test_it_runs_as_nobody_in_particular_and_no_recipe_asks_for_more() -> None:
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    service = yaml.safe_load((JOBS / "compose.yaml").read_text(encoding="utf-8"))["services"]["flow-service"]
    assert service["read_only"] and service["cap_drop"] == ["ALL"] and "uid=10001" in service["tmpfs"][0]
    assert f"EXPOSE {Config().port}" in DOCKERFILE


def test_the_image_is_built_for_both_platforms_with_sbom_and_provenance() -> None:
    text = (ROOT / "docker-bake.hcl").read_text(encoding="utf-8")
    for part in ("linux/amd64", "linux/arm64", "type=sbom", "type=provenance,mode=max"):
        assert part in text
