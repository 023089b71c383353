"""`tailorbird test`: runs the tests that editors wrote beside their rules."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from proxy.cases import Outcome, coverage, covered_percent, report, run_cases, untested
from proxy.cli.junit import Result, junit_xml
from proxy.cli.options import as_json
from proxy.cli.rulefolder import folder_arguments, read_rules
from proxy.diagnostics import did_you_mean, mistakes_text
from proxy.rulebook.compile import Publication

Form = Callable[[Publication, Sequence[Outcome]], str]


@click.command("test")
@folder_arguments
@click.option("--run", "named", default="", metavar="REGEXP", help="only tests whose name it finds, in any case")
@click.option("--coverage", "is_covered", is_flag=True, help="tell of each rule how many tests expect it")
@click.option("--threshold", type=click.FloatRange(0, 100), default=0.0, help="exit 1 when fewer percent are tested")
@click.option(
    "--junit", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="write JUnit's XML there too"
)
@click.option("--format", "form", type=click.Choice(["text", "json", "junit"]), default="text")
def command(
    folder: Path,
    catalogue: Path | None,
    store: str | None,
    named: str,
    is_covered: bool,
    threshold: float,
    junit: Path | None,
    form: str,
) -> None:
    """Run the tests that stand in rule files. Exit code 1 when one fails, or the folder has problems."""
    loaded = read_rules(folder, catalogue, store)
    if loaded.publication is None:
        click.echo(mistakes_text(loaded.findings, loaded.sources), err=form != "text")
        sys.exit(1)
    try:
        outcomes = run_cases(loaded.publication, time.time(), named)
    except re.error as error:
        raise click.BadParameter(f"`{named}` is no regular expression: {error}", param_hint="--run") from error
    if named and not outcomes:
        known = [case.name for case in loaded.publication.cases]
        help = did_you_mean(named, known) if known else "the rule files have no tests"
        raise click.BadParameter(f"no test has `{named}` in its name; {help}", param_hint="--run")
    click.echo(FORMS[form](loaded.publication, outcomes))
    if is_covered:
        click.echo(coverage(loaded.publication, outcomes), err=form != "text")
    if junit:
        junit.write_text(_junit(loaded.publication, outcomes), encoding="utf-8")
    is_enough = covered_percent(loaded.publication, outcomes) >= threshold
    sys.exit(not (is_enough and all(outcome.passed for outcome in outcomes)))


def _json(publication: Publication, outcomes: Sequence[Outcome]) -> str:
    tests = [
        {
            "name": outcome.case.name,
            "place": str(outcome.case.place),
            "passed": outcome.passed,
            "ms": round(outcome.ms, 3),
            "faults": [{"what": str(fault), "reasons": fault.reasons} for fault in outcome.faults],
        }
        for outcome in outcomes
    ]
    missed = [{"rule": rule.name, "place": str(rule.place)} for rule in untested(publication, outcomes)]
    return as_json({"tests": tests, "untested": missed})


def _junit(publication: Publication, outcomes: Sequence[Outcome]) -> str:
    return junit_xml("tailorbird test", [_result(outcome) for outcome in outcomes])


def _result(outcome: Outcome) -> Result:
    failure = "\n".join("\n".join([str(fault), *fault.reasons]) for fault in outcome.faults)
    return Result(outcome.case.place.file, outcome.case.name, failure, outcome.ms / 1000)


FORMS: Mapping[str, Form] = {"text": report, "json": _json, "junit": _junit}
