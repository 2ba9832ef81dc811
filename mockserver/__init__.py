"""Mock Flow Service: a stand-in for Adobe Experience Platform's Flow Service API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from mockserver.config import Config

if TYPE_CHECKING:
    from mockserver.clients.service import flow_service
    from mockserver.emulator import Emulator
    from mockserver.web.application import Application
    from mockserver.web.served import Served

__version__ = "0.1.0"
__all__ = ["Config", "Emulator", "__version__", "create_app", "flow_service"]


@overload
def create_app(
    config: Config | Emulator | None = None, *, flask: Literal[True] = True, **settings: Any
) -> Application: ...


@overload
def create_app(config: Config | Emulator | None = None, *, flask: Literal[False], **settings: Any) -> Served: ...


def create_app(config: Config | Emulator | None = None, *, flask: bool = True, **settings: Any) -> Application | Served:
    """Create the WSGI application. Settings are the members of `Config`.

    Pass an `Emulator` to access its clock, store and journal. With `flask=False` only pages go through Flask,
    which halves the time of a request to the API; there are no hooks then.
    """
    from mockserver.emulator import Emulator

    emulator = config if isinstance(config, Emulator) else Emulator(config or Config(**settings))
    if flask:
        from mockserver.web.application import build_app

        return build_app(emulator)
    from mockserver.web.served import Served

    return Served(emulator)


def __getattr__(name: str) -> Any:
    if name == "Emulator":  # imported on first use: `mockserver --help` does not need the contract
        from mockserver.emulator import Emulator

        return Emulator
    if name == "flow_service":
        from mockserver.clients.service import flow_service

        return flow_service
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
