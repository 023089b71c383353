"""What a new file begins with in the studio, and the words that can stand in a rule file of this shop."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from proxy.conditions.vocabulary import PHRASES
from proxy.rulebook.compile import Loaded
from proxy.rulebook.show import BANNERS, HTML

NEW_RULES = """\
version: 1
timezone: {zone}

rules:
  - name: {name}
    slot: {slot}
    when:
      visitor: returning
    show:
      banner:
        title: "{{first name|Hello}}, welcome back"
        text: Say in one sentence what is new.
        link: /

tests:
  - name: Who comes back sees it ({name})
    visitor: {{visitor: returning}}
    expect:
      {slot}: {name}
"""
NEW_HTML = '<a class="banner" href="/"><strong>{{ first_name|default("Hello") }}, welcome back</strong></a>\n'
NEW_YAML = {"slots.yaml": "slots:\n  home.hero: {}\n", "attributes.yaml": "attributes:\n  first name: text\n"}


class WordsView(msgspec.Struct, frozen=True):
    """What can stand in a rule file of this shop: its slots and banners, and lines of conditions, each with what it
    asks."""

    slots: list[str]
    banners: list[str]
    lines: list[tuple[str, str]]


def words_view(files: Iterable[str], loaded: Loaded) -> WordsView:
    """Of a folder that cannot be read, the words that every shop has."""
    phrases = loaded.names.words.values() if loaded.names else PHRASES
    banners = [name.removeprefix(BANNERS).removesuffix(HTML) for name in sorted(files) if name.startswith(BANNERS)]
    lines = [(phrase.example or f"{phrase.key}: any", phrase.help) for phrase in phrases]
    return WordsView(list(loaded.names.slots) if loaded.names else [], banners, lines)


def started(name: str, loaded: Loaded) -> str:
    """What a new file begins with."""
    if name.endswith(".html"):
        return NEW_HTML
    if name in NEW_YAML:
        return NEW_YAML[name]
    slots = loaded.names.slots if loaded.names else ()
    zone = loaded.publication.timezone if loaded.publication else "UTC"
    title = name.removesuffix(".rules.yaml").capitalize()
    return NEW_RULES.format(name=title, slot=next(iter(slots), "home.hero"), zone=zone)
