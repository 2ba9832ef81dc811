"""The emulated host names, for the proxy and the certificate."""

from __future__ import annotations

import ipaddress

_REGIONS = ("va7", "nld2", "aus5", "can2", "gbr9")
"""Regions of `platform-REGION.adobe.io`, from Adobe's pages on redirect addresses."""

EMULATED = (
    "platform.adobe.io",
    "platform-stage.adobe.io",
    "platform-int.adobe.io",
    *(f"platform-{region}.adobe.io" for region in _REGIONS),
    "dcs.adobedc.net",
    "ims-na1.adobelogin.com",
    "ims-na1-stg1.adobelogin.com",
)
"""The emulated hosts (facts §1, §2.1). `dcs` collects events."""

LOCAL_NAMES = ("localhost",)
LOCAL_ADDRESSES = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))


def without_port(authority: str) -> str:
    """The lower-case name in `name:port` or `[address]:port`."""
    name, colon, port = authority.rpartition(":")
    name = name if colon and port.isdigit() else authority
    return name.strip("[]").lower().removesuffix(".")
