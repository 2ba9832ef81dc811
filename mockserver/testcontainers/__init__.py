"""The server in a container for a test, by Testcontainers. Needs the extra `testcontainers` and a container engine.

with FlowServiceContainer() as service:
sync_accounts(service.url, service.token_url)
assert not service.report().fails()
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver import __version__
from mockserver.clients import elsewhere
from mockserver.config import NAME, Config, how_to_get, variable
from mockserver.conformance import Report
from mockserver.exchange import BASE_PATH
from mockserver.runtime import Runtime

try:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy
except ImportError as missing:
    raise ImportError(f"testcontainers is not installed. Install it with: {how_to_get('testcontainers')}") from missing

_PORT = 8080


class FlowServiceContainer(DockerContainer):
    """A container that is ready once it is started. Settings are members of `Config`: `strict=True`, `seed=1`."""

    def __init__(self, image: str = f"{NAME}:{__version__}", **settings: Any) -> None:
        super().__init__(image)
        Config(**settings)  # refuses here what the server would refuse
        # The engine may publish the port to the whole network: /_mock must remain closed to others.
        self.admin_token: str = settings.pop("admin_token", None) or Runtime().token()
        for name, value in {"allow_host": ("*",), **settings, "port": _PORT, "admin_token": self.admin_token}.items():
            self.with_env(variable(name), _text(value))
        self.with_exposed_ports(_PORT)
        self.waiting_for(HttpWaitStrategy(_PORT, "/_mock/health"))

    @property
    def address(self) -> str:
        """The server's address as seen from the test: scheme, host and port."""
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(_PORT)}"

    @property
    def url(self) -> str:
        """Base URL of the API: `service.url + "/connections"`."""
        return self.address + BASE_PATH

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"{self.address}/ims/token/v3"

    def report(self) -> Report:
        """The judgement on all calls so far."""
        return elsewhere.judgement(self.address, self.admin_token)


def _text(value: Any) -> str:
    """The value of a setting's environment variable."""
    if isinstance(value, Mapping):
        return ",".join(f"{name}={part}" for name, part in value.items())
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
