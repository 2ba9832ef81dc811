"""Recognises texts in place of a value: placeholders of documents, unresolved variables, printed objects."""

from __future__ import annotations

import re


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_WORDS = words(
    """
    ACCESS ACCOUNT ACTIVATION AEP AMAZON API APPLICATION ATTRIBUTE AUTH AWS AZURE BASE BATCH BEHAVIOR BLOB
    BUCKET BY CATALOG CLASS CLIENT CLOUD CLUSTER CODE COMPRESSION CONNECTION CONTAINER CREATED CREDENTIALS
    DATA DATABASE DATAFLOW DATASET DESCRIPTION DESCRIPTOR DESTINATION DOMAIN EMAIL ENDPOINT ETAG EVENT FIELD
    FILE FILEPATH FILTER FLOW FOLDER FUNCTION GOOGLE GROUP HOST HUB ID IMS INLET INPUT INSTANCE JWT KEY
    LANDING MAPPING MIXIN MODE MODIFIED NAME NAMESPACE OBJECT OF ORG ORGANIZATION OUTPUT PASSWORD PATH PORT
    PREFIX PRINCIPAL PRIVATE PROFILE PROJECT PROVIDER PUBLIC QUERY REFRESH REGION REMOTE RESOURCE ROLE RUN
    S3 SANDBOX SAS SCHEMA SCOPE SECRET SECURITY SEGMENT SERVER SERVICE SESSION SET SITE SOURCE SPEC SSH SSL
    START STORAGE STREAM STRING SUBDOMAIN SUBSCRIPTION TABLE TARGET TENANT TIME TO TOKEN TOPIC TYPE UNION
    URI URL USER USERNAME VALUE VERSION WAREHOUSE ZONE
    """
)
"""Words in the names of placeholders in Adobe's documents."""

NOTHING = re.compile(
    r"undefined|null|none|nan|nil|<nil>|\(null\)|\(nil\)|nullptr|nonetype|\[object [a-z]+\]", re.IGNORECASE
)
"""Texts that programs print for a missing value."""

PRINTED = re.compile(
    r"<[\w.]+ (?:object |at |of )[^<>]*>|<Response \[\d+\]>|#<[\w:][^<>]*>|Promise \{.*\}|function \w*+\(.*|"
    r"[a-z]\w*+(?:\.\w++)++@[0-9a-f]{5,8}|System(?:\.[A-Z]\w*+)++(?:`\d)?(?:\[.*\])?|b'.*'|b\".*\"|map\[.*\]|"
    r"Optional\(.*\)|Array|(?:HASH|ARRAY|CODE)\(0x[0-9a-f]+\)|[A-Z]\w*+\(\w++=.*\)|"
    r"@\{\w+=.*\}|&?\{[\w.-]+(?: [^\s{}]+)+\}",
    re.DOTALL,
)
"""Texts that programs print for an object, in place of the value that it holds.

Its quantifiers are possessive, because it is matched against every long text and must not backtrack.
"""

VARIABLE = re.compile(
    r"\$\{\{?[^{}]{1,64}\}?\}|\{\{[^{}]{1,64}\}\}|#\{\w{1,64}\}|"
    r"%[A-Za-z_]{1,64}%|\$[A-Z][A-Z_]{2,63}|<[A-Za-z_ -]{3,64}>|"
    r"\$\([\w.-]{1,64}\)|%\(\w{1,64}\)s|%\{\w{1,64}\}|#\{[^{}]{1,64}\}|<%=?[^<>]{1,64}%>|"
    r"(?:process\.env|import\.meta\.env|os\.environ)\b[\w.\[\]()'\"]{1,64}"
)
"""An unresolved variable of a shell, a template, a program's text or a request collection."""

HEADER_VARIABLE = re.compile(
    rf"{VARIABLE.pattern}|\$[A-Za-z]\w*(?::\w+)?|\{{[\w.\[\]'() ]{{1,64}}\}}|"
    r"%s|__[A-Z_]+__|@\w+@|\[[A-Za-z_ .-]+\]|:[a-z_]+"
)
"""The same in a header, where no token, key, id or sandbox has such a form."""

FILL_IN = re.compile(
    r"todo|fixme|tbd|placeholder|(?:replace|fill|edit)[ _-]?(?:me|this)(?:[ _-]?in)?|"
    r"(?:(?:insert|enter|put|paste|add|set|use|replace|with|the)[ _-]+){0,3}your[ _-]+(?:[a-z0-9]++[ _-]++){0,4}"
    r"(?:token|key|id|secret|password|username|user|org|organi[sz]ation|client|sandbox|server|host|database|here)|"
    r"(?:insert|enter|put|paste|add|replace)[ _-]+(?:[a-z0-9]++[ _-]++){1,4}here|"
    r"(?:[a-z]++[ _-]++){1,4}goes[ _-]+here",
    re.IGNORECASE,
)
"""Texts that people write for a value to be filled in later. Words of tests, such as `dummy` or `xxx`, do not count."""

NO_CREDENTIAL = frozenset({"true", "false", '""', "''", "[]", "{}", "changeme", "change-me", "change_me"})
"""Texts that programs send in a header if they lack the token, key or id. In lower case."""


def is_placeholder(value: object) -> bool:
    """Whether a value is a placeholder of Adobe's documents, such as `{ACCESS_TOKEN}`."""
    braced = isinstance(value, str) and value[:1] == "{" and value[-1:] == "}"
    return braced and _WORDS.issuperset(str(value)[1:-1].split("_"))


def unfilled_kind(text: str, variable: re.Pattern[str] = VARIABLE) -> str:
    """The kind of a text that replaces a value by mistake: `variable`, `printed object` or `fill-in text`; else ""."""
    kinds = {"variable": variable, "printed object": PRINTED, "fill-in text": FILL_IN}
    return next((kind for kind, form in kinds.items() if form.fullmatch(text)), "")
