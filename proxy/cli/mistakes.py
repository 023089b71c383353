"""What is wrong with the settings of a server, all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from proxy.environment import PREFIX, mistaken
from proxy.errors import OperatorError, raised_by
from proxy.settings import Settings
from proxy.stores import must_fit

SHORTEST_TOKEN = 8  # a browser asks for it like for a password, and may be told it by who types


def missing(settings: Settings) -> Iterator[OperatorError]:
    """What has no safe default, and what goes without what it needs."""
    if not settings.origin:
        yield mistaken("origin", "there is none", help="add --origin https://shop.example")
    if not settings.secret:
        yield OperatorError(
            "there is no signing key", help="set TAILORBIRD_SECRET to 32 random bytes, like `openssl rand -hex 32`"
        )
    yield from _admin_listener(settings)
    if settings.tls_key and not settings.tls_certificate:
        yield OperatorError("there is a TLS key, but no certificate", help="name its PEM file in --tls-certificate")
    yield from _places(settings)
    if not Path(settings.rules).is_dir():
        yield mistaken(
            "rules",
            f"there is no folder `{settings.rules}`",
            help="one with nothing but `rules: []` in a.rules.yaml shows pages as they are",
        )


def _places(settings: Settings) -> Iterator[OperatorError]:
    """Fields for a visitor's place that nobody is believed in, or that tell half of it."""
    fields = ("region_header", "city_header", "latitude_header", "longitude_header", "time_zone_header")
    named = next((name for name in fields if getattr(settings, name)), "")
    if named and not settings.trusted_proxies:
        help = f"name the networks of who stands in front in {PREFIX}TRUSTED_PROXIES"
        yield mistaken(named, "nobody is trusted to say where a visitor is", help=help)
    if bool(settings.latitude_header) != bool(settings.longitude_header):
        name = "longitude_header" if settings.latitude_header else "latitude_header"
        yield mistaken(name, "a location takes this too", help="name its field; the same again, if one has both")


def _admin_listener(settings: Settings) -> Iterator[OperatorError]:
    """Also where a file that a writer saves would be live, or a token has two roles."""
    if settings.admin_port and not settings.admin_token:
        yield OperatorError(
            "the admin listener has no token",
            help="set TAILORBIRD_ADMIN_TOKEN, or --admin-port 0 for no admin listener",
        )
    if settings.writer_token and not (settings.rules_mode == "published" and settings.studio_writes):
        help = "set TAILORBIRD_RULES_MODE=published and TAILORBIRD_STUDIO_WRITES=true, or leave it out"
        yield mistaken("writer_token", "nobody can write drafts here, which somebody else publishes", help=help)
    tokens = {name: getattr(settings, name) for name in ("admin_token", "reader_token", "writer_token")}
    given = [token for token in tokens.values() if token]
    if len(set(given)) < len(given):
        yield OperatorError(
            "two of the admin listener's tokens are the same", help="give each its own, like `openssl rand -hex 16`"
        )
    for name, token in tokens.items():
        if settings.admin_port and 0 < len(token) < SHORTEST_TOKEN:
            yield OperatorError(
                f"the admin listener's token is shorter than {SHORTEST_TOKEN} characters",
                help=f"set {PREFIX}{name.upper()} to random ones, like `openssl rand -hex 16`",
            )


def unfit(settings: Settings) -> Iterator[OperatorError]:
    """Values that the parts which read them refuse, of lists each. Imports much of what serves."""
    return raised_by(_readers(settings))


def _readers(settings: Settings) -> Iterator[Callable[[], object]]:
    from proxy.http.authority import host_names
    from proxy.http.client import networks
    from proxy.httpcache.coding import page_codings
    from proxy.outbox.leader import webhooks_in
    from proxy.serve.decisions import Cors
    from proxy.upstream.origins import Origins
    from proxy.upstream.tls import client_tls, webhook_tls
    from proxy.visitors.consent import Consents
    from proxy.visitors.signing import Keyring
    from proxy.visitors.writekeys import WriteKeys

    yield from (partial(WriteKeys, replace(settings, write_keys=(key,))) for key in settings.write_keys)
    yield from (partial(Consents, replace(settings, consent=(tool,))) for tool in settings.consent)
    yield from (partial(Cors, replace(settings, slot_origins=(origin,))) for origin in settings.slot_origins)
    yield from (partial(networks, (proxy,)) for proxy in settings.trusted_proxies)
    yield from (partial(host_names, (name,)) for name in settings.allowed_hosts)
    yield partial(page_codings, settings)
    if settings.secret:
        yield partial(Keyring, settings.secret)
    if settings.origin:
        yield partial(Origins, settings.origin, settings)
    if settings.origin_ca or settings.origin_certificate:
        yield partial(client_tls, settings)  # also where no origin is asked over https yet
    if settings.webhooks_ca:
        yield partial(webhook_tls, settings)
    yield partial(webhooks_in, settings.webhooks)
    yield partial(must_fit, settings.store)
    if settings.catalogue:
        yield partial(_must_be_readable, settings.catalogue)


def _must_be_readable(catalogue: str) -> None:
    try:
        with open(catalogue, "rb"):
            pass
    except OSError as error:
        raise mistaken("catalogue", f"`{catalogue}` cannot be read: {error.strerror}") from error
