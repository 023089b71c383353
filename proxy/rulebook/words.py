"""The tables of the words allowed in each part of a rule file, and the reading of a part by its table.

Conditions have their own table, `conditions/vocabulary.py`; what a slot can show has `page/slots.py`. The checker and
the JSON Schema read all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from proxy.audience.results import GOALS
from proxy.conditions.nodes import Entry, MapNode, Node, Scalar, as_list, as_map, as_text, unknown_word
from proxy.conditions.vocabulary import PHRASES
from proxy.diagnostics import Edit, Finding, Suggestion
from proxy.page.slots import SLOT_KINDS
from proxy.rulebook.mending import in_quotes


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a rule file, the kind of value it takes, and whether it is required."""

    name: str
    help: str
    required: bool = False


class Part(dict[str, Entry]):
    """The lines of one part of a rule file, by word. Each method reads the value of a word in one way, and returns None
    or nothing when the word is absent."""

    @classmethod
    def of(cls, node: Node | None) -> Part:
        """All lines of a map, whatever their words; none of another node."""
        return cls({entry.key.text: entry for entry in node.entries} if isinstance(node, MapNode) else {})

    def node(self, word: str) -> Node | None:
        return self[word].value if word in self else None

    def text(self, word: str, findings: list[Finding]) -> Scalar | None:
        return as_text(self.node(word), f'"{word}"', findings)

    def lines(self, word: str, findings: list[Finding]) -> tuple[Entry, ...]:
        table = as_map(self.node(word), f'"{word}"', findings)
        return table.entries if table else ()

    def items_of(self, word: str, findings: list[Finding]) -> tuple[Node, ...]:
        items = as_list(self.node(word), f'"{word}"', findings)
        return items.items if items else ()


FILE = (
    Word("version", "the format's version: 1"),
    Word("timezone", "the zone that dates, weekday and hours are read in, as Europe/Amsterdam; UTC when missing"),
    Word("segments", "groups of visitors by name; without a condition, one that a cookie or an import brings"),
    Word("scores", "points for what visitors do, by name; each is a word of conditions"),
    Word("rfm", "where the grades of recency (days), frequency (orders) and monetary (money) part"),
    Word("limits", "how often something may be shown, by name, so that several rules share one count"),
    Word(
        "groups", "rules and experiments of which a visitor meets one at most, with their shares, by the group's name"
    ),
    Word("journey", "the stages visitors go through, by name; who fits several is in the one furthest down"),
    Word("rules", "what to show to whom, and where"),
    Word("experiments", "what to compare: variants, each shown to a share of the visitors"),
    Word("holdout", "a share of the visitors who see the page's own, to compare with; one or a list"),
    Word("tests", "visitors, and what they must be shown"),
)
SEGMENT = (
    Word("description", "who these visitors are, for colleagues"),
    Word("when", "what must hold"),
    Word("unless", "what must not hold"),
)
PLACED = (
    Word("name", "what the rule is called, once in the folder", required=True),
    Word("slot", "where it shows: a place on your pages", required=True),
    Word("priority", "high, normal, low or a number from 0 to 100; the highest matching rule is shown"),
    Word("from", "when it begins, as 2026-11-25 08:00; a date alone is its first minute"),
    Word("until", "when it ends, as 2026-11-28 00:00; that minute is no longer part of it"),
    Word("run for", "how long it goes on after `from`, as 14 days; instead of `until`"),
    Word("when", "what must hold for it to show; everybody when missing"),
    Word("unless", "what must not hold"),
    Word("needs", "verified: count only segments that are signed"),
    Word("limit", "how often: the name of one of `limits`, or as: at most 3 times per visitor per day; or a list"),
    Word("stop after", "what ends it for a visitor: shown, clicked or bought, each with a number of times"),
    Word("rollout", "the share of the visitors that it is for, as 12.34%"),
    Word("ramp", "a share that grows: dates, each with the share from then on"),
    Word("holdout", "the share of those it fits who see the page's own instead, to compare with"),
    Word("layer", "of the rules of one layer a page shows one, the best"),
    Word("also on", "channels that are to send it too: email, app, sms, push; only noted, channels ask by themselves"),
)
SCORE = (
    Word("points", "how many for what: viewed, added to cart, bought, searched, opened, clicked", required=True),
    Word("category", "only for products of it"),
    Word("product", "only for this one"),
    Word("brand", "only for products of it"),
    Word("halves every", "how fast points fade, as 14 days; never when missing"),
    Word("at most", "where they stop to count"),
)
RULE = (*PLACED, Word("show", "what it shows: a banner, products, or nothing new (the page's own)", required=True))
NOT_OF_LISTS = ("slot", "also on", "stop after", "limit")
LISTED = Word("listing", "the list it arranges: the name in data-list, or of `listings:` in slots.yaml", required=True)
MOVES = (
    Word(
        "boost", "what comes further up: a brand, tag, category, price or product, affinity or score; and `by` how far"
    ),
    Word("bury", "what goes further down; `by: to the end` behind all others"),
    Word("pin", "products that stand at a place"),
    Word("largest move", "how many places a card may move at most; 20 when missing"),
)
LISTING_RULE = (LISTED, *(word for word in PLACED if word.name not in NOT_OF_LISTS), *MOVES)
EXPERIMENT = (
    *(word for word in PLACED if word.name != "run for"),
    Word("variants", "what is compared: a list, each with a name, a share and what to show", required=True),
    Word("split by", "visitor, or an attribute so that all who share it see the same variant"),
    Word("goal", "the event that is hoped for, which `tailorbird results` counts; order completed when missing"),
    Word("guardrails", "what must not get worse: events that `tailorbird results` counts as well"),
    Word("run for", "how long: at least 14 days, before which it should not be judged; or 14 days, which end it"),
)
VARIANT = (
    Word("name", "what the variant is called", required=True),
    Word("share", "its share of the visitors, as 50%; equal parts when no variant has one"),
    Word("show", "what it shows: a banner, products, or nothing new (the page's own)", required=True),
)
LISTING_EXPERIMENT = (LISTED, *(word for word in EXPERIMENT if word.name not in NOT_OF_LISTS))
LISTING_VARIANT = (
    *VARIANT[:2],
    *MOVES,
    Word("show", "nothing new: the list as the shop sorts it, instead of what moves"),
)
STOP = (
    Word("shown", "how often it was shown, as 3 times"),
    Word("clicked", "how often it was clicked, as 1 time"),
    Word("bought", "1 time: an order after it was shown"),
)
HOLDOUT = (
    Word("name", "what the holdout is called", required=True),
    Word("share", "its share of the visitors, as 5%", required=True),
    Word("slots", "the slots and lists (as listing:search) it is for; all when missing"),
    Word("from", "when it begins"),
    Word("until", "when it ends"),
)
CHANNELS = ("email", "app", "sms", "push")
GUARDRAILS = ("page load time", "bounce", *GOALS)
TEST = (
    Word("name", "what must be true, in a sentence", required=True),
    Word("visitor", "who comes: segments, country, any other word of conditions, and what they did before"),
    Word("page", "the path they open; / when missing"),
    Word("at", "when they come, as 2026-11-25 12:00; now when missing"),
    Word(
        "expect",
        "for each slot the name of the rule that shows, or nothing new; or what is read there, and which products it "
        "contains; of a list its order",
        required=True,
    ),
)
SLOT_TEST = (
    Word("rule", "the name of the rule that shows; any may when missing"),
    Word("title", "the headline of a banner, or the heading of a row, as the visitor reads it"),
    Word("text", "the sentence under a banner's headline, as the visitor reads it"),
    Word("button", "the words on a banner's button, as the visitor reads them"),
    Word("says", "words that are read anywhere in it, one or a list; also for a banner that is an HTML file"),
    Word("contains", "products that stand there; one or a list"),
    Word("never", "products that do not; one or a list"),
)
LIST_TEST = (
    Word("of", "products in the shop's own order", required=True),
    Word("begins with", "those that stand first then, in order", required=True),
)
SLOT_FILE = (
    Word("slots", "the places on your pages, by name"),
    Word("listings", "lists of products in pages without data-list, or in JSON, by name"),
)
LISTING = (
    Word("page", "the path of the page it is on, as /search or /c/*; any page when missing"),
    Word("selector", "a CSS selector that finds the element whose children are the cards"),
    Word("json", "where the array stands in a JSON answer of that path, as $.results.products, instead of a selector"),
    Word(
        "product",
        "what names a card's product: an attribute, data-product when missing, or href; in JSON a member, or id",
    ),
)
SLOT = (
    Word("page", "the path of the page it is on, as /sale or /c/*; any page when missing"),
    Word("selector", "a CSS selector that finds it in pages without data-slot"),
    Word("json", "where it stands in a JSON answer of that path, as $.content.hero, instead of a selector"),
    Word("place", "inside, start or end of what the selector finds"),
    Word("height", "its height in pixels, kept free so that nothing moves"),
    Word("phone height", "its height on a phone"),
    Word("longest title", "how many characters its titles have room for"),
)
ATTRIBUTE_FILE = (Word("attributes", "what your data tells of visitors: a name, and its type", required=True),)

PARTS = {
    "The file": FILE,
    "A segment": SEGMENT,
    "A score": SCORE,
    "A rule": RULE,
    "`stop after`": STOP,
    "A rule for a listing": LISTING_RULE,
    "An experiment": EXPERIMENT,
    "A variant of an experiment": VARIANT,
    "An experiment in a listing": LISTING_EXPERIMENT,
    "A variant of an experiment in a listing": LISTING_VARIANT,
    "A holdout": HOLDOUT,
    "A test": TEST,
    "What a test expects of a slot": SLOT_TEST,
    "What a test expects of a listing": LIST_TEST,
    "`slots.yaml`": SLOT_FILE,
    "A slot": SLOT,
    "A listing": LISTING,
    "`attributes.yaml`": ATTRIBUTE_FILE,
}
"""The parts with their words, in the order a reader meets them."""

KNOWN = tuple(sorted({word.name for part in PARTS.values() for word in part}, key=lambda name: (-len(name), name)))
"""Every word of every part, longer ones first."""

NESTING = (
    "when", "unless", "show", "stop after", "banner", "products", "strategy", "boost", "bury", "pin", "only", "never",
)  # fmt: skip
"""Words behind which `word: value` is a line of its own, and no text with a colon in it."""

CONDITIONS = {phrase.key for phrase in PHRASES}
"""The words of conditions that are the same for every shop."""

HOLDERS = ("when", "unless", "show", "stop after", "ramp", "visitor", "expect")
"""Words that hold lines of their own."""


def fields(node: Node, noun: str, words: Sequence[Word], findings: list[Finding]) -> Part:
    """The lines of a part; `noun` names it in findings. Unknown and missing words are findings; missing ones only if
    none is unknown, which is likely a misspelt one."""
    table = as_map(node, f"this {noun}", findings)
    if table is None:
        return Part()
    known = [word.name for word in words]
    found = Part({entry.key.text: entry for entry in table.entries if entry.key.text in known})
    unknown = [entry.key for entry in table.entries if entry.key.text not in known]
    for word in unknown:
        finding = unknown_word(word, f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}", known)
        if not isinstance(finding.help, Suggestion) and (home := home_of(word.text, noun)):
            finding = replace(finding, help=f"write it below `{home}:`, two spaces further in")
        cut = _cut_off(word, table)
        findings.append(
            replace(finding, help=cut[0], edits=cut[1]) if cut else replace(finding, edits=_further_in(word, table))
        )
    if not unknown:
        findings += [_missing(word, noun, table) for word in words if word.required and word.name not in found]
    return found


def home_of(word: str, noun: str) -> str:
    """The line of a rule below which a word stands that has no place in this part; "" when there is none."""
    below = {kind.name: {key.name for key in kind.keys} for kind in SLOT_KINDS}
    if noun == "show":
        return next((name for name, keys in below.items() if word in keys), "")
    if noun not in ("rule", "listing rule", "experiment", "listing experiment", "segment"):
        return ""
    if word in CONDITIONS:
        return "when"
    return "show" if noun == "rule" and (word in below or any(word in keys for keys in below.values())) else ""


def _cut_off(word: Scalar, table: MapNode) -> tuple[str, tuple[Edit, ...]] | None:
    """The finding for a word without a value in braces, as `Welt` in `{title: Hallo, Welt}`: the text before it, with
    its comma, belongs in quotes."""
    at = [entry.key for entry in table.entries].index(word)
    entry, before = table.entries[at], table.entries[at - 1].value if at else None
    if not table.in_braces or not isinstance(entry.value, Scalar) or entry.value.text or not isinstance(before, Scalar):
        return None
    gap = word.place.column - before.place.end
    if word.place.line != before.place.line or not before.text or gap < 1:
        return None
    text = in_quotes(f"{before.text},{' ' * (gap - 1)}{word.text}")
    edit = Edit(word.place.line, before.place.column, word.place.end, text)
    return f"within braces a comma ends a line; put quotes around the text: {text}", (edit,)


def _further_in(word: Scalar, table: MapNode) -> tuple[Edit, ...]:
    """Two spaces before an unknown word below an empty `when`, `unless` or the like: it was meant to be in it."""
    keys = [entry.key for entry in table.entries]
    before = [entry for entry in table.entries[: keys.index(word)] if entry.key.text in HOLDERS]
    if table.in_braces or not before or not isinstance(before[-1].value, Scalar) or before[-1].value.text:
        return ()
    entry = table.entries[keys.index(word)]
    if isinstance(entry.value, MapNode) or entry.value.place.line != word.place.line:
        return ()
    return (Edit(word.place.line, word.place.column, word.place.column, "  "),)


def _missing(word: Word, noun: str, table: MapNode) -> Finding:
    return Finding("R103", f'this {noun} has no "{word.name}"', table.place, f'add "{word.name}:", {word.help}')
