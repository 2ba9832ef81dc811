"""Environment variables that lead an unmodified client to the emulator: one row each, with the readers."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mockserver.config import without_secrets
from mockserver.intercept.hosts import EMULATED, LOCAL_ADDRESSES, LOCAL_NAMES
from mockserver.intercept.trust import TRUSTSTORE_PASSWORD, TrustFiles

PRELOAD = Path(__file__).with_name("preload.cjs")
_LOCAL = (*LOCAL_NAMES, *map(str, LOCAL_ADDRESSES))
_TAKEN_AWAY = ("ALL_PROXY", "all_proxy", "SSL_CERT_DIR")
"""Variables to remove: they would bypass the proxy or our certificate bundle."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The loopback ports of an interception."""

    proxy: int
    secure: int
    """The server with TLS for the emulated names."""
    plain: int
    """The server without TLS."""


def for_client(environ: Mapping[str, str], ports: Ports, trust: TrustFiles) -> dict[str, str]:
    """The environment changed so that the emulated hosts lead to us."""
    proxy = f"http://127.0.0.1:{ports.proxy}"
    around = ",".join(dict.fromkeys((*_LOCAL, *_other_exceptions(environ))))
    bundle = str(trust.bundle)
    ours = {
        # read by most clients, by some in upper case, by others in lower case
        **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), proxy),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), around),
        "SSL_CERT_FILE": bundle,  # Python's ssl (urllib, httpx, aiohttp), Go, .NET, Ruby, OpenSSL
        "REQUESTS_CA_BUNDLE": bundle,
        "CURL_CA_BUNDLE": bundle,
        "NODE_EXTRA_CA_CERTS": str(trust.authority),
        "NODE_USE_ENV_PROXY": "1",  # Node 22.21, 24 and later
        "NODE_OPTIONS": _appended(environ.get("NODE_OPTIONS"), f"--require {_quoted(PRELOAD)}"),
        "MOCKSERVER_NODE": _for_preload(ports),
        "JAVA_TOOL_OPTIONS": _appended(environ.get("JAVA_TOOL_OPTIONS"), _java(ports, trust)),
    }
    kept = {name: value for name, value in without_secrets(environ).items() if name not in _TAKEN_AWAY}
    return {**kept, **ours}


def _other_exceptions(environ: Mapping[str, str]) -> list[str]:
    """The user's proxy exceptions, without those that would exempt an emulated host."""
    named = (environ.get("NO_PROXY") or environ.get("no_proxy") or "").split(",")
    return [entry for entry in map(str.strip, named) if entry and not any(_exempts(entry, host) for host in EMULATED)]


def _exempts(entry: str, host: str) -> bool:
    suffix = entry.lower().partition(":")[0].lstrip("*.")
    return not suffix or host == suffix or host.endswith("." + suffix)


def _java(ports: Ports, trust: TrustFiles) -> str:
    options = {
        "https.proxyHost": "127.0.0.1",
        "https.proxyPort": ports.proxy,
        "http.proxyHost": "127.0.0.1",
        "http.proxyPort": ports.proxy,
        "http.nonProxyHosts": "localhost|127.*|[::1]",  # for https, too
        "javax.net.ssl.trustStore": trust.truststore,
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": TRUSTSTORE_PASSWORD,
    }
    return " ".join(shlex.quote(f"-D{name}={value}") for name, value in options.items())


def _for_preload(ports: Ports) -> str:
    return json.dumps({"hosts": EMULATED, "ports": {"443": ports.secure, "80": ports.plain}})


def _appended(present: str | None, addition: str) -> str:
    return f"{present} {addition}" if present else addition


def _quoted(path: Path) -> str:
    """Quote for NODE_OPTIONS: double quotes, backslash escapes."""
    text = str(path)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if " " in text or escaped != text else text
