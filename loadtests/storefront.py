"""The work that every page server is given: a shop's home page with five slots, a rule folder, visitors.

A visitor has one variant of eight in each slot, and no two of the shop's 10,000 share all five. Tailorbird finds them
by rules that ask for a signed segment and two things more; 960 other rules, of twelve kinds, ask for what these
visitors are not. A rival is told the five variants by a cookie of digits, which is less than its operators would need.
All must answer with the same bytes: rivals serve the fragments as Tailorbird's publication has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random

from proxy.conditions.localtime import WEEKDAYS
from proxy.page.fragments import Fragment
from proxy.rulebook.compile import load
from proxy.visitors.visitor import Cookies

SLOTS = ("all.topbar", "home.hero", "home.row", "home.story", "all.footer")
VARIANTS = 8
VARIANT_BYTES = (300, 450, 600, 800, 1_000, 1_200, 1_400, 1_600)
CARDS = 48
RULES = 1_000
VISITORS = 10_000
SECRET = "a key for measuring, worth nothing elsewhere"
FIRST_SEEN = 1_700_000_000
COOKIE_SECONDS = 7 * 86_400
CHOICE_COOKIE = b"fragments"
WORDS = (
    "light", "dry", "trail", "ridge", "summer", "winter", "steel", "linen", "oak", "stone", "river", "early",
    "late", "slow", "quiet", "bright", "warm", "field", "camp", "morning", "evening", "table", "kitchen", "garden",
    "harbour", "cotton", "wool", "canvas", "leather", "copper", "glass", "paper", "bread", "salt", "pepper",
    "bottle", "basket", "blanket", "lantern", "jacket", "kettle", "knife", "board", "shelf", "mirror", "pillow",
    "carpet", "chair", "stool", "lamp", "window", "door",
)  # fmt: skip

# What one rule in 25 asks beside its segment: it is so for every visitor here.
TRUE = (
    "language: nl",
    "device: desktop",
    "page: starts with /",
    "visitor: returning",
    "search term: none",
    "campaign: {source: none}",
)


@dataclass(frozen=True)
class Storefront:
    """`statics` are what is around the slots' contents, `fragments` what may stand there, by slot and variant;
    `files` is the rule folder."""

    statics: tuple[bytes, ...]
    fragments: tuple[tuple[bytes, ...], ...]
    files: Mapping[str, bytes]

    def with_each(self, content: Callable[[int], bytes]) -> bytes:
        """The page with something in each slot, by the slot's number."""
        slots = [content(slot) + static for slot, static in enumerate(self.statics[1:])]
        return self.statics[0] + b"".join(slots)

    def page(self) -> bytes:
        """As the shop sends it."""
        return self.with_each(lambda slot: b"<p>Something for everybody in %b.</p>" % SLOTS[slot].encode())

    def for_visitor(self, variants: Sequence[int]) -> bytes:
        """As the visitor must get it."""
        return self.with_each(lambda slot: self.fragments[slot][variants[slot]])


@dataclass(frozen=True)
class Shopper:
    """A visitor: the variants that are theirs, and the cookies that say so, signed and in plain digits."""

    variants: tuple[int, ...]
    cookies: bytes


NOBODY = Shopper((), b"theme=dark")
"""Who comes for the first time: all cookies are others', and what they are shown is the shop's own."""


def storefront(rules: int = RULES, seed: int = 2026) -> Storefront:
    """The same shop for the same arguments. Raises `ValueError` when the rule folder has a finding."""
    random = Random(seed)
    files = rule_folder(random, rules)
    publication = load(files).publication
    if publication is None:
        raise ValueError("the rules for measuring have findings")
    fragments = tuple(
        tuple(_bytes_of(publication.fragments[_name(slot, variant)]) for variant in range(VARIANTS))
        for slot in range(len(SLOTS))
    )
    return Storefront(tuple(_statics(random)), fragments, files)


def shoppers(count: int, *, now: float, seed: int = 7) -> list[Shopper]:
    """Visitors with cookies that are good for a week from `now`, no two with the same variants."""
    cookies = Cookies(SECRET)
    chosen = Random(seed).sample(range(VARIANTS ** len(SLOTS)), count)
    return [_shopper(cookies, number, _digits(choice), now) for number, choice in enumerate(chosen)]


def other_cookies(count: int, seed: int = 11) -> list[bytes]:
    """What else a browser sends to a shop: 1.5 KB of analytics and consent, no two alike."""
    random = Random(seed)
    return [_others(random) for _ in range(count)]


# -- rules


def rule_folder(random: Random, rules: int) -> dict[str, bytes]:
    """`rules` rules: one for each variant of each slot, among others that never win here."""
    wins = [(slot, variant) for slot in range(len(SLOTS)) for variant in range(VARIANTS)]
    texts = [_winning(slot, variant) for slot, variant in wins]
    texts += [_failing(random, number) for number in range(rules - len(wins))]
    random.shuffle(texts)
    segments = [_segment(*win) for win in wins] + [f"Others {number}" for number in range(60)]
    head = "version: 1\ntimezone: UTC\nsegments:\n" + "".join(f"  {name}:\n    description: x\n" for name in segments)
    files = {f"banners/{_banner(*win)}.html": _markup(random, win[1]) for win in wins}
    slots = "slots:\n" + "".join(f"  {name}: {{}}\n" for name in SLOTS)
    return files | {"slots.yaml": slots.encode(), "home.rules.yaml": (head + "rules:\n" + "".join(texts)).encode()}


def _winning(slot: int, variant: int) -> str:
    also = islice(cycle(TRUE), slot + variant, slot + variant + 2)
    facts = [f"segment: {_segment(slot, variant)}", *also]
    return _rule(_name(slot, variant), slot, "normal", facts, f"banner: {_banner(slot, variant)}")


def _failing(random: Random, number: int) -> str:
    drawn = [*random.sample(TRUE, 2), *random.choice(FALSE)(random)]
    facts = {fact.partition(":")[0]: fact for fact in drawn}  # a rule asks each thing once: the last, which is false
    priority = random.choice(("low", "normal", "high", "70", "30"))
    return _rule(f"Rule {number}", number % len(SLOTS), priority, [*facts.values()], f"banner: {{title: T{number}}}")


def _rule(name: str, slot: int, priority: str, facts: Sequence[str], show: str) -> str:
    when = "".join(f"      {fact}\n" for fact in facts)
    place = f"    slot: {SLOTS[slot]}\n    priority: {priority}\n"
    return f"  - name: {name}\n{place}    when:\n{when}    show:\n      {show}\n"


def _one_of(kind: str, values: Sequence[str]) -> Callable[[Random], list[str]]:
    return lambda random: [f"{kind}: [{', '.join(sorted(random.sample(values, 2)))}]"]


# What the other rules ask: it is so for no visitor here.
FALSE: tuple[Callable[[Random], list[str]], ...] = (
    lambda random: [f"segment: Others {random.randrange(60)}"],
    _one_of("country", ("NO", "NL", "BE", "DE", "FR", "SE", "DK", "FI")),
    _one_of("language", ("de", "fr", "en", "da", "sv")),
    _one_of("device", ("phone", "tablet")),
    lambda random: [f"page: starts with /c/{random.choice(WORDS)}"],
    lambda random: [f"search term: contains {random.choice(WORDS)}"],
    lambda random: [f"refinement: {{colour: {random.choice(WORDS)}}}"],
    lambda random: [f"campaign: {{source: {random.choice(WORDS)}}}"],
    lambda random: [f"referrer: contains {random.choice(WORDS)}"],
    lambda random: ["visitor: new", f"search term: {random.choice(WORDS)}"],
    lambda random: [f"weekday: {random.choice(WEEKDAYS)}", f"search term: {random.choice(WORDS)}"],
    lambda random: [f"hours: 0{random.randrange(9)}:00-18:00", "device: phone"],
)


def _name(slot: int, variant: int) -> str:
    return f"Slot {slot} variant {variant}"


def _banner(slot: int, variant: int) -> str:
    return f"slot-{slot}-variant-{variant}"


def _segment(slot: int, variant: int) -> str:
    return f"g{slot}{variant}"


def _bytes_of(fragment: Fragment) -> bytes:
    return b"".join(part if isinstance(part, bytes) else part.plain for part in fragment.fill({}))


# -- the page


def _statics(random: Random) -> Iterator[bytes]:
    cards = [_card(random, number) for number in range(CARDS)]
    slots = [f'<div data-slot="{name}">' for name in SLOTS]
    yield (HEAD + slots[0]).encode()
    yield ("</div>\n<nav>" + _links(random, 24) + "</nav>\n" + slots[1]).encode()
    yield ("</div>\n<main><h2>New</h2><ul>" + "".join(cards[:16]) + "</ul>\n" + slots[2]).encode()
    yield ("</div>\n<ul>" + "".join(cards[16:32]) + "</ul>\n" + slots[3]).encode()
    yield ("</div>\n<ul>" + "".join(cards[32:]) + "</ul></main>\n<footer>" + _links(random, 40) + slots[4]).encode()
    yield b"</div></footer>\n</body></html>\n"


def _card(random: Random, number: int) -> str:
    name, sku = _text(random, 3).title(), f"SKU-{random.randrange(10**6):06}"
    sizes = ", ".join(f"/img/{sku}-{width}.webp {width}w" for width in (240, 480, 720, 960))
    return (
        f'<li class="card" data-product="{sku}"><a class="card-link" href="/p/{sku}" title="{name}">'
        f'<img class="card-picture" loading="lazy" decoding="async" width="480" height="480" alt="{name}" '
        f'src="/img/{sku}-480.webp" srcset="{sizes}" sizes="(min-width: 960px) 25vw, 50vw">'
        f'<span class="card-name">{name}</span></a><p class="card-text">{_text(random, 42).capitalize()}.</p>'
        f'<p class="card-price"><span class="price">&euro; {random.randrange(5, 300)},{random.randrange(100):02}</span>'
        f'<span class="stars" aria-label="{random.randrange(30, 50) / 10} of 5"></span></p>'
        f'<form class="card-form" method="post" action="/cart"><input type="hidden" name="sku" value="{sku}">'
        f'<button class="button button-small" type="submit" name="add" value="1">Add to cart</button></form></li>\n'
    )


def _links(random: Random, count: int) -> str:
    names = [_text(random, 2) for _ in range(count)]
    return "".join(f'<a class="link" href="/c/{name.replace(" ", "-")}">{name.title()}</a>\n' for name in names)


def _markup(random: Random, variant: int) -> bytes:
    """An editor's HTML, of the variant's size."""
    html = f'<section class="hero"><h2>{_text(random, 3).title()}</h2>\n'
    while len(html) < VARIANT_BYTES[variant] - 130:
        html += f'<p class="hero-text">{_text(random, 9).capitalize()}.</p>\n'
    return (html + f'<a class="button" href="/c/{random.choice(WORDS)}">Look</a></section>').encode()


def _text(random: Random, words: int) -> str:
    return " ".join(random.choices(WORDS, k=words))


HEAD = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>A shop</title>\n'
    '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
    '<link rel="stylesheet" href="/shop.css"><script src="/shop.js" defer></script></head>\n<body>'
)


# -- visitors


def _shopper(cookies: Cookies, number: int, variants: tuple[int, ...], now: float) -> Shopper:
    visitor = f"{number:032x}"
    groups = [_segment(slot, variant) for slot, variant in enumerate(variants)]
    pairs = (
        cookies.visitor_pair(visitor, FIRST_SEEN + number),
        cookies.segments_pair(visitor, groups, now, COOKIE_SECONDS),
        CHOICE_COOKIE + b"=" + "".join(map(str, variants)).encode(),
    )
    return Shopper(variants, b"; ".join(pairs))


def _digits(choice: int) -> tuple[int, ...]:
    return tuple(choice // VARIANTS**slot % VARIANTS for slot in range(len(SLOTS)))


def _others(random: Random) -> bytes:
    def digits(count: int) -> str:
        return "".join(random.choices("0123456789", k=count))

    def letters(count: int) -> str:
        return "".join(random.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=count))

    groups = "%2C".join(f"C000{number}%3A{random.randrange(2)}" for number in range(1, 10))
    pairs = (
        f"_ga=GA1.1.{digits(10)}.{digits(10)}",
        f"_ga_{letters(10)}=GS1.1.{digits(10)}.{digits(2)}.1.{digits(10)}.60.0.{digits(9)}",
        f"_gid=GA1.2.{digits(9)}.{digits(10)}",
        f"_gcl_au=1.1.{digits(10)}.{digits(10)}",
        f"_fbp=fb.1.{digits(13)}.{digits(18)}",
        f"_uetsid={letters(32)}",
        f"_uetvid={letters(32)}",
        f"_hjSessionUser_{digits(7)}={letters(180)}",
        f"_hjSession_{digits(7)}={letters(150)}",
        f"OptanonConsent=isGpcEnabled=0&datestamp={letters(60)}&version=202409.1.0&groups={groups}&hosts={letters(40)}",
        f"euconsent-v2={letters(320)}",
        f"ajs_anonymous_id={letters(36)}",
        f"_clck={letters(20)}%7C2%7C{letters(3)}%7C0%7C{digits(4)}",
        f"_pk_id.1.{letters(4)}={letters(16)}.{digits(10)}.",
        f"cookieyes-consent={letters(150)}",
    )
    return "; ".join(pairs).encode()
