"""Adobe's gateway in front of Flow Service: checks API key, token and organisation, then the sandbox.

The order and the responses are facts §2 and §3. Placeholders of the documentation such as
`{ORG_ID}` are accepted: people try the samples before they fill them in.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from mockserver.config import Config
from mockserver.errors import ApiError, GatewayError
from mockserver.exchange import Call, Tenant
from mockserver.secrecy import repeatable
from mockserver.secrecy.placeholders import is_placeholder
from mockserver.tokens import Tokens, bearer

_KEY = re.compile(r"[^\s,{}]{1,256}")
_ORG = re.compile(r"[^@\s,{}]{1,128}@AdobeOrg")
_SANDBOX = re.compile(r"[a-z0-9][a-z0-9-]{0,255}")

DEFAULT_SANDBOX = "prod"


@functools.lru_cache(maxsize=1024)
def _tenant(org: str, sandbox: str) -> Tenant:
    """The same Tenant object for all calls of a tenant: it is part of every record's key and stored once."""
    return Tenant(org, sandbox)


def is_sandbox(name: str) -> bool:
    """Whether this is a valid name of a sandbox."""
    return _SANDBOX.fullmatch(name) is not None or is_placeholder(name)


class Gateway:
    """Identifies the caller of a call."""

    def __init__(self, config: Config, quirks: Mapping[str, str], tokens: Tokens) -> None:
        self._config = config
        self._quirks = quirks
        self._tokens = tokens

    def admit(self, call: Call) -> Tenant:
        """The tenant of a call. Raises GatewayError or ApiError for the first invalid header."""
        headers = call.headers
        self._check_key(headers.get("x-api-key", ""))
        self._check_token(headers.get("authorization", ""), headers.get("x-gw-ims-org-id", ""))
        org = self._org(headers.get("x-gw-ims-org-id", ""))
        tenant = _tenant(org, self._sandbox(headers))
        self._check_sandbox_id(headers, tenant)
        return tenant

    def _check_key(self, key: str) -> None:
        if not key.strip():
            raise GatewayError("key_missing")
        known = self._config.api_keys
        if not (_KEY.fullmatch(key) or is_placeholder(key)) or (known and key not in known):
            raise GatewayError("key_invalid")

    def _check_token(self, authorization: str, org: str) -> None:
        if authorization.strip().lower() in ("", "bearer"):
            raise GatewayError("token_invalid" if self._quirks["missing-token"] == "401" else "token_missing")
        token = bearer(authorization)
        if token is None:
            raise GatewayError("token_invalid")
        if self._tokens.expired(token, org) or (self._config.strict and not self._tokens.live(token, org)):
            raise GatewayError("token_invalid")

    def _org(self, org: str) -> str:
        if not org.strip():
            if self._quirks["missing-org"] == "service":
                raise ApiError("org_header_missing", header="x-gw-ims-org-id")
            raise GatewayError("org_missing")
        if not (_ORG.fullmatch(org) or is_placeholder(org)):
            raise GatewayError("org_invalid")
        if self._config.orgs and org not in self._config.orgs:
            raise GatewayError("org_not_entitled")
        return org

    def _sandbox(self, headers: Mapping[str, str]) -> str:
        name = headers.get("x-sandbox-name", "").strip()
        if "x-sandbox-id" in headers and headers["x-api-key"] not in self._config.service_clients:
            raise ApiError("sandbox_id_with_user_token", header="x-sandbox-id")
        if not name:
            if self._quirks["missing-sandbox"] == "default":
                return self._config.sandboxes[0] if self._config.sandboxes else DEFAULT_SANDBOX
            raise ApiError("sandbox_header_missing", header="x-sandbox-name")
        if name == "*":
            raise ApiError("sandbox_wildcard", header="x-sandbox-name", value="*")
        known = self._config.sandboxes
        if not is_sandbox(name) or (known and name not in known):
            raise ApiError("sandbox_unknown", name=repeatable(name))
        return name

    def _check_sandbox_id(self, headers: Mapping[str, str], tenant: Tenant) -> None:
        """Check the optional sandbox id of a service token (facts §3)."""
        sent = headers.get("x-sandbox-id")
        if sent is not None and sent != tenant.sandbox_id:
            raise ApiError("sandbox_mismatch", id=repeatable(sent), name=repeatable(tenant.sandbox))
