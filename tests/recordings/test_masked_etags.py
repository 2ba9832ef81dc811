"""Tests that an odd etag of a client is masked, also where it is repeated, and keeps what a client is judged by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockserver.comparison import masked
from mockserver.exchange import Result as Answer
from tests.calls import HEADERS
from tests.recordings.test_record_command import recorder
from tests.recordings.test_recording_secrecy import a_call, assert_clean, only


@pytest.mark.parametrize("etag", ['"0000-stale"', 'W/"odd etag"', "odd etag", '"', '""', '"odd", "other"'])
def test_an_odd_etag_keeps_its_quotes(tmp_path: Path, etag: str) -> None:
    """A client is judged by them: one that sent quotes was told that it had not."""
    kept = recorder(tmp_path / "session.har")
    body = json.dumps([{"op": "replace", "path": "/name", "value": "x"}]).encode()
    path = f"/connections/{'0' * 8}-0000-4000-8000-{'0' * 12}"
    kept.add(a_call(method="PATCH", path=path, body=body, headers={**HEADERS, "if-match": etag}), Answer(412), 0)
    kept.close(complete=True)
    exchange = only(kept.path)
    written = exchange.call.headers["if-match"]
    assert (written[:1] == '"', written[:3] == 'W/"', written[-1:] == '"') == (
        etag[:1] == '"', etag[:3] == 'W/"', etag[-1:] == '"',
    )  # fmt: skip
    assert "odd" not in written and "stale" not in written
    assert masked.in_target(exchange) == ("the header if-match" if len(etag) > 2 else "")


def test_an_etag_that_an_error_repeats_is_masked_again(tmp_path: Path) -> None:
    kept = recorder(tmp_path / "session.har")
    secret = '"c4n4ry [in] If-Match"'
    error = Answer(
        412, {"report": {"version": secret, "detailed-message": f"{secret} is outdated"}}, (("etag", secret),)
    )
    for _ in range(2):
        kept.add(a_call(method="DELETE", headers={**HEADERS, "if-match": secret}), error, 0)
    kept.close(complete=True)
    assert_clean(tmp_path, secret)
