"""`mockserver ca`: manages the certificate authority for the emulated hosts."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mockserver.intercept.authority import Authority

_TRUST = """
`mockserver exec -- COMMAND` sets all of this by itself. For `serve --tls`, with the certificate's file as FILE:
  curl               CURL_CA_BUNDLE=FILE, or curl --cacert FILE
  Python requests    REQUESTS_CA_BUNDLE=FILE
  urllib, httpx ...  SSL_CERT_FILE=FILE
  Node               NODE_EXTRA_CA_CERTS=FILE
  Go, .NET, Ruby     SSL_CERT_FILE=FILE
  Java               keytool -importcert -noprompt -alias mock -storepass changeit -keystore trust.p12 -file FILE
                     java -Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=changeit ..."""


@click.group()
@click.option("--ca-folder", metavar="DIR", help="Use this folder instead of one in this user's state folder.")
@click.pass_context
def ca(context: click.Context, /, **options: Any) -> None:
    """Manage the certificate authority of `exec` and `serve --tls`.

    It is created on first use, is valid for 90 days, and can certify only the emulated hosts and this machine.
    The system's trust store is never changed.
    """
    from mockserver import config
    from mockserver.intercept import available, ca_folder, missing

    if not available():
        raise click.UsageError(missing())
    try:
        context.obj = ca_folder(config.load(options, names={"ca_folder"}).ca_folder)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@ca.command()
@click.pass_obj
def show(folder: Any) -> None:
    """Print its location, its contents and how to trust it."""
    from mockserver.intercept.authority import Authority, AuthorityError

    try:
        kept = Authority.read(folder)
    except AuthorityError as error:
        raise click.UsageError(str(error)) from None
    click.echo(_described(kept) if kept else f"there is none in {folder} yet; `mockserver ca renew` makes one")


@ca.command()
@click.pass_obj
def renew(folder: Any) -> None:
    """Create a new one, which clients must trust anew."""
    from mockserver.intercept.authority import Authority, AuthorityError

    try:
        click.echo(_described(Authority.renew(folder)))
    except AuthorityError as error:
        raise click.UsageError(str(error)) from None


@ca.command()
@click.pass_obj
def remove(folder: Any) -> None:
    """Delete it and its key."""
    from mockserver.intercept import authority

    try:
        removed = authority.remove(folder)
    except authority.AuthorityError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"removed from {folder}" if removed else f"there is none in {folder}")


@ca.command()
@click.pass_obj
def path(folder: Any) -> None:
    """Print the path of its certificate; create it if missing."""
    from mockserver.intercept.authority import Authority, AuthorityError

    try:
        click.echo(Authority.open(folder).public_file)
    except AuthorityError as error:
        raise click.UsageError(str(error)) from None


def _described(authority: Authority) -> str:
    certificate = authority.certificate
    names = textwrap.fill(", ".join(authority.permitted), 100, break_on_hyphens=False)
    lines = (
        f"certificate  {authority.public_file}",
        f"SHA-256      {authority.fingerprint}",
        f"valid        {certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}",
        "certifies    " + textwrap.indent(names, " " * 13).lstrip(),
    )
    return "\n".join(lines) + "\n" + _TRUST
