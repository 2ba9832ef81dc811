"""`mockserver scenarios` and `mockserver conformance`: lists the scenarios and runs a client through them."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from mockserver.cli.options import ca_folder_option, json_option, report_options
from mockserver.cli.reporting import Reporting, in_words

if TYPE_CHECKING:
    from mockserver.clients.trial import Step, Trial

_COLOURS = {"passed": "green", "failed": "red", "untestable": "yellow"}


@click.command()
@click.argument("scenario_id", required=False, metavar="[ID]")
@json_option
def scenarios(scenario_id: str | None, as_json: bool) -> None:
    """List or explain the scenarios."""
    from mockserver.scenarios import SCENARIOS

    rows = [one.as_json() for one in SCENARIOS.values() if scenario_id in (None, one.id, one.id.partition(".")[0])]
    if not rows:
        raise click.UsageError(f"unknown scenario {scenario_id!r}; `mockserver scenarios` lists all")
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif scenario_id is None:
        for row in rows:
            click.echo(f"{row['id']:<28} {row['happens']}")
    else:
        click.echo("\n\n".join(map(_explained, rows)))


def _explained(row: dict[str, Any]) -> str:
    lines = (
        f"happens     {row['happens']}",
        f"judged      {row['judged']}",
        f"what to do  {row['hint']}",
        f"source      {row['source']}",
    )
    return "\n".join([click.style(f"{row['id']}  {row['title']}", bold=True), *(f"  {line}" for line in lines)])


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option(
    "--scenario",
    default="all",
    show_default=True,
    metavar="ID,...",
    help="Play only these; see `mockserver scenarios`.",
)
@report_options
@click.option("--timeout", type=click.FloatRange(min=0.1), default=60.0, show_default=True, metavar="SECONDS",
              help="Stop a run of the client after this time.")  # fmt: skip
@click.option("--output", type=click.Choice(["failed", "all", "none"]), default="failed", show_default=True,
              help="Show the client's output of failed runs, of all runs, or of none.")  # fmt: skip
@ca_folder_option
@json_option
def conformance(
    command: tuple[str, ...], scenario: str, output: str, timeout: float, as_json: bool, **options: Any
) -> None:
    """Judge a client in failure scenarios.

    COMMAND is run once undisturbed and once in every scenario, without a shell. Its calls to platform.adobe.io and
    ims-na1.adobelogin.com reach a private server, as with `mockserver exec`. The environment has the URL of that
    server in FLOW_SERVICE_URL, its token endpoint in FLOW_SERVICE_TOKEN_URL and, unless already set, credentials in
    FLOW_SERVICE_TOKEN, _API_KEY, _ORG, _SANDBOX, _CLIENT_ID and _CLIENT_SECRET. Exit status: 0 if the client passes,
    1 if it fails, 2 for wrong use, 3 if it made no call.
    """
    from mockserver import config
    from mockserver.clients import trial
    from mockserver.contract import Contract
    from mockserver.intercept import available, interception
    from mockserver.scenarios import choose

    try:
        chosen, reporting = choose(scenario), Reporting.of(options)
        lead = interception.lead if available() else trial.by_variables
        kept = config.load({"ca_folder": options["ca_folder"]}, names={"ca_folder"}).ca_folder
        config.forget_secrets()
        server = dataclasses.replace(trial.SERVER, ca_folder=kept)
        test = trial.Trial(command, os.environ, timeout, output == "all", server, lead)
        steps, complete = _run(test, chosen, output)
        status = reporting.deliver(trial.report(steps, Contract.load()), as_json=as_json)
    except (ValueError, OSError) as error:
        raise click.UsageError(in_words(error)) from None
    sys.exit(status if complete else status or 1)


def _run(test: Trial, chosen: list[Any], output: str) -> tuple[list[Step], bool]:
    """Play all runs and print their progress; returns the steps and whether any scenario was played."""
    steps = [test.play(None)]
    _progress("undisturbed", steps[0], output)
    complaint = _complaint(steps[0])
    if complaint:
        click.echo(complaint, err=True)
        return steps, False
    for number, scenario in enumerate(chosen, 1):
        steps.append(test.play(scenario))
        _progress(f"{number}/{len(chosen)} {scenario.id}", steps[-1], output)
    return steps, True


def _complaint(step: Step) -> str | None:
    """The reason why no scenario can be judged."""
    from mockserver.journal.entries import TOKEN_OPERATION

    if not any(entry.operation != TOKEN_OPERATION for entry in step.entries):
        return (
            "The client made no call to Flow Service: does it take its base URL from FLOW_SERVICE_URL, or honour "
            "HTTPS_PROXY? No scenario was played."
        )
    if step.ending.status is None:
        return "The client did not end in the undisturbed run: fix it, or raise --timeout. No scenario was played."
    if step.ending.status:
        return f"The client fails in the undisturbed run, with exit status {step.ending.status}: fix that first."
    return None


def _progress(title: str, step: Step, output: str) -> None:
    status = step.ending.status
    calls = f"{len(step.entries)} call{'s' * (len(step.entries) != 1)}"
    ended = f"{calls}, stopped after the timeout" if status is None else f"{calls}, exit status {status}"
    text = step.verdict.verdict if step.verdict else ""
    mark = click.style(f"{text:<11}", fg=_COLOURS.get(text))
    click.echo(f"  {title:<34} {mark}{ended}, {step.took_seconds:.1f} s", err=True)
    good = step.verdict.verdict != "failed" if step.verdict else status == 0
    if output == "failed" and not good and step.ending.output:
        click.echo(
            click.style("".join(f"    | {line}\n" for line in step.ending.output.splitlines()), dim=True), err=True
        )
