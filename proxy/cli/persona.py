"""The options of `why` and `preview` that describe the visitor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import click

from proxy.audience.consent import LEVELS
from proxy.cli.options import Command
from proxy.conditions.vocabulary import COUNTRIES
from proxy.diagnostics import nearest
from proxy.errors import RequestError
from proxy.model import AttributeValue
from proxy.rulebook.compile import Publication
from proxy.visitors.context import languages_of
from proxy.visitors.inputs import Inputs
from proxy.visitors.persona import ACTION_WORDS, Persona, did_of, moment_of, must_be_segments, must_be_sold


def _country(context: click.Context, option: click.Parameter, said: str | None) -> str | None:
    if said is not None and said.upper() not in COUNTRIES:
        raise click.BadParameter(f"`{said}` is not the two letters of a country")
    return said and said.upper()


OPTIONS = (
    click.option("--segment", "segments", multiple=True, help="a segment the visitor is in; may be given again"),
    click.option("--visitor", "visitor_id", default="", help="a visitor's id, whose profile is read from the store"),
    click.option("--country", callback=_country, metavar="CC", help="two letters, as NO"),
    click.option("--language", help="what the browser asks for, as nl-BE"),
    click.option("--device", type=click.Choice(["phone", "tablet", "desktop"])),
    click.option("--consent", type=click.Choice(LEVELS), default="profile", help="how far they agreed to be known"),
    click.option(
        "--at", "at", metavar="TIME", help="a moment in the rules' time zone, as 2026-11-25T12:00  (default: now)"
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="any other attribute, as 'orders=3', or what they did, as 'cart=HOTDOG-6, BUN-4'",
    ),
)


def persona_options(command: Command) -> Command:
    """Adds the arguments of `persona_of`."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def persona_of(
    publication: Publication,
    *,
    segments: tuple[str, ...],
    visitor_id: str,
    country: str | None,
    language: str | None,
    device: str | None,
    at: str | None,
    settings: tuple[str, ...],
    consent: str = "profile",
    case: str = "",
) -> Persona:
    """Who they say. Raises `click.BadParameter`."""
    with _said_in("--segment"):
        must_be_segments(segments, publication)
    named = [_named(setting) for setting in settings]
    did = did_of(dict(named))
    with _said_in("--set"):
        must_be_sold(did, {product.id: product for product in publication.catalogue} if did else {})
    with _said_in("--at"):
        moment = moment_of(at, publication) if at else 0.0
    attributes = _attributes([(name, text) for name, text in named if name not in ACTION_WORDS])
    _tell_unasked(attributes, publication)
    said: dict[str, AttributeValue | None] = {
        "country": country,
        "language": languages_of(language.encode()) if language else None,
        "device": device,
        **attributes,
    }
    known = {name: value for name, value in said.items() if value is not None}
    return Persona(visitor_id, segments, moment, known, case, consent, did)


def _tell_unasked(names: Iterable[str], publication: Publication) -> None:
    """What no rule asks for makes no difference: most likely it is misspelt."""
    inputs = Inputs.of(publication, tuple(publication.plan.slots)).attributes
    for name in names:
        if name not in inputs:
            close = nearest(name, [*inputs, *ACTION_WORDS])
            click.echo(f"no rule asks for `{name}`" + (f'; did you mean "{close}"?' if close else ""), err=True)


@contextmanager
def _said_in(option: str) -> Iterator[None]:
    """Has a `RequestError` told as one over this option."""
    try:
        yield
    except RequestError as error:
        what = "; ".join(filter(None, (*error.args, error.help)))
        raise click.BadParameter(what, param_hint=option) from error


def _named(setting: str) -> tuple[str, str]:
    name, equals, text = (part.strip() for part in setting.partition("="))
    if not name or not equals:
        raise click.BadParameter(f"`{setting}` is not NAME=VALUE", param_hint="--set")
    return name, text


def _attributes(named: Iterable[tuple[str, str]]) -> Mapping[str, AttributeValue]:
    """Attributes by name: an amount, yes or no, else text. A name given again becomes a set."""
    values: dict[str, AttributeValue] = {}
    for name, text in named:
        values[name] = _value(text) if name not in values else frozenset({*_texts(values[name]), text})
    return values


def _texts(value: AttributeValue) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset({str(value)})


def _value(text: str) -> AttributeValue:
    if text in ("yes", "true", "no", "false"):
        return text in ("yes", "true")
    try:
        return float(text)
    except ValueError:
        return text
