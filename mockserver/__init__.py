"""Mock Flow Service: a stand-in for Adobe Experience Platform's Flow Service API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.config import Config

if TYPE_CHECKING:
    from mockserver.clients.service import flow_service
    from mockserver.emulator import Emulator
    from mockserver.web.application import Application

__version__ = "0.1.0"
__all__ = ["Config", "Emulator", "__version__", "create_app", "flow_service"]


def create_app(config: Config | Emulator | None = None, **settings: Any) -> Application:
    """Create the WSGI application. Settings are the members of `Config`.

    Pass an `Emulator` to access its clock, store and journal.
    """
    from mockserver.emulator import Emulator
    from mockserver.web.application import build_app

    if isinstance(config, Emulator):
        return build_app(config)
    return build_app(Emulator(config or Config(**settings)))


def __getattr__(name: str) -> Any:
    if name == "Emulator":  # imported on first use: `mockserver --help` does not need the contract
        from mockserver.emulator import Emulator

        return Emulator
    if name == "flow_service":
        from mockserver.clients.service import flow_service

        return flow_service
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
