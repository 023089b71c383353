"""The table of warnings: what is valid but probably not intended. They stop a publication only with `--strict`.
`findings.py` explains the rows.

The shop of the examples has the slot `home.hero`, with room for 40 characters, in all recorded pages, and none of their
visitors ordered more than a few times.
"""

from __future__ import annotations

from proxy.rulebook.finding_kinds import FindingKind, banner_text, rule_text

_BOTH = (
    rule_text() + "\n  - name: Autumn sale\n    slot: home.hero\n    show: nothing new\n    when: {orders: at least 1}"
)
_EXPERIMENT = (
    "  - {name: %s, slot: home.hero, variants: [{name: a, show: nothing new}, {name: b, show: nothing new}]%s}"
)

WARNINGS: tuple[FindingKind, ...] = (
    FindingKind(
        "L1",
        "a rule that can never show",
        "Its conditions contradict one another, or rules above it in the slot take everybody it fits. This is certain, "
        "not guessed: a rule with chance, a limit or a layer counts as taking nobody.",
        rule_text("priority: high")
        + "\n  - {name: Autumn sale, slot: home.hero, show: nothing new, when: {orders: 1}}",
        rule_text("priority: low") + "\n  - {name: Autumn sale, slot: home.hero, show: nothing new, when: {orders: 1}}",
    ),
    FindingKind(
        "L2",
        "a rule that is over",
        "Its `until` has passed, so it will not show again.",
        rule_text("until: 2020-11-25 18:00"),
        rule_text("until: 2999-11-25 18:00"),
    ),
    FindingKind(
        "L3",
        "a slot that no page has any more",
        "A rule is for a slot that none of the pages recorded in the last 7 days had, so it may have gone from the "
        "shop. Given when a store with recorded views is named.",
        rule_text("slot: all.topbar"),
        rule_text("slot: home.hero"),
    ),
    FindingKind(
        "L4",
        "a product that is sold out",
        "A product that was chosen by name is out of stock.",
        rule_text("show: {products: {strategy: {chosen: [SKU-9]}}}"),
        rule_text("show: {products: {strategy: {chosen: [SKU-1]}}}"),
    ),
    FindingKind(
        "L5",
        "a field without a default",
        "A visitor without this attribute sees a gap in the text; after the moment of a countdown, everybody does. "
        "Write what they should read instead after a bar: `{city|our shop}`.",
        banner_text('title: "Welcome back, {city}"'),
        banner_text('title: "Welcome back to {city|our shop}"'),
    ),
    FindingKind(
        "L6",
        "a picture without words or without size",
        "`alt` is read to people who cannot see the picture. Without `image width` and `image height` a browser keeps "
        "no room for it, and the page moves when it comes.",
        banner_text("title: Sale", "image: /sale.avif", "alt: A box"),
        banner_text("title: Sale", "image: /sale.avif", "alt: A box", "image width: 1200", "image height: 480"),
    ),
    FindingKind(
        "L7",
        "a segment that nobody is in",
        "A rule asks for a segment that none of the recorded visitors of the last 7 days was in. Given when a store "
        "with 1,000 recorded views or more is named. The studio gives it, too, when it is asked to count visitors by "
        "something that only a request tells.",
        "segments: {Giants: {when: {orders: at least 900}}}\n" + rule_text("when: {segment: Giants}"),
        "segments: {Giants: {when: {orders: at least 1}}}\n" + rule_text("when: {segment: Giants}"),
    ),
    FindingKind(
        "L8",
        "a rule without a test",
        "The folder has tests, but none expects this rule.",
        _BOTH + "\ntests:\n  - name: A test\n    expect: {home.hero: Winter sale}",
        rule_text() + "\ntests:\n  - name: A test\n    expect: {home.hero: Winter sale}",
    ),
    FindingKind(
        "L9",
        "two experiments fight for a slot",
        "A visitor may be in both, and is shown the higher one only, so the other counts people it never met. Put them "
        "into a group, let one end before the other begins, or give them different visitors.",
        "experiments:\n" + _EXPERIMENT % ("One", "") + "\n" + _EXPERIMENT % ("Two", ""),
        "groups: {Heroes: {One: 50%, Two: 50%}}\nexperiments:\n"
        + _EXPERIMENT % ("One", "")
        + "\n"
        + _EXPERIMENT % ("Two", ""),
    ),
    FindingKind(
        "L10",
        "a title that is too long",
        "`longest title` in slots.yaml says how many characters the slot has room for. A field counts with its "
        "default.",
        rule_text("show: {banner: {title: Everything must go before the new collection is here}}"),
        rule_text("show: {banner: {title: Everything must go}}"),
    ),
    FindingKind(
        "L11",
        "a lifetime for whoever is logged in",
        "You say how long the page is kept, but not which cookies it depends on. A shop that sends no Cache-Control "
        "sends no Vary either, so visitors who are logged in would be shown the page of a stranger.",
        "pages:\n  - path: /c/*\n    fresh: 5 minutes",
        "pages:\n  - path: /c/*\n    fresh: 5 minutes\n    cookies: {own: [sessionid]}",
        file="cache.yaml",
    ),
    FindingKind(
        "L12",
        "an address that is another on each page",
        "An address without a slash in front is relative to the page it stands on, and a banner stands on many pages.",
        banner_text("title: Sale", "link: sale"),
        banner_text("title: Sale", "link: /sale"),
    ),
    FindingKind(
        "L13",
        "a line that changes nothing",
        "`also on` is checked and kept, and nothing is sent by it: apps, mails and kiosks ask for a slot by "
        "themselves. Of an experiment's `guardrails` nothing measures `page load time` and `bounce`; clicks "
        "are no goal for it where a variant shows the page's own, on which nobody clicks a banner. Other lines lack "
        "what they are about: `alt` an `image`, a slot's `place` a `selector`, `fresh` a page that is stored, a limit "
        "a rule that names it.",
        rule_text("also on: email"),
        rule_text(),
    ),
    FindingKind(
        "L14",
        "a text that ends too early",
        "A # after a space begins a comment, up to the end of the line, so the text ends there. Within quotes it is a "
        "character like any other. A comment that is meant has a space after its #, too.",
        banner_text("title: Offer #1 of three"),
        banner_text('title: "Offer #1 of three"  # the first'),
    ),
    FindingKind(
        "L15",
        "a wildcard that is none",
        "In many programs `*` and text between slashes are patterns. In a condition every character stands for "
        "itself, so such a value matches next to nobody. Nor is `boots or shoes` two values: write `[boots, shoes]`.",
        rule_text('when: {search term: "/trail.*/"}'),
        rule_text("when: {search term: contains trail}"),
    ),
    FindingKind(
        "L16",
        "a page that its slot is not on",
        "The rule asks for a page, and slots.yaml says that its slot is on others, so it hardly ever shows.",
        rule_text("when: {page: starts with /c/}"),
        rule_text("when: {page: /}"),
    ),
    FindingKind(
        "L17",
        "what visitors read as it stands",
        "Words of a rule are shown as they are: HTML tags in them are read as text, and so are the quotes that a word "
        "processor puts around them. HTML is written into a file in `banners/`, with straight quotes around values. "
        "Also told of such a file with nothing in it: it would leave the place empty.",
        banner_text('title: "<b>Sale</b> from Friday"'),
        banner_text("title: Sale from Friday"),
    ),
    FindingKind(
        "L18",
        "clicks on a banner of no rule",
        "`clicked: {banner: ...}` asks for clicks on what a rule showed, by the rule's name. No rule of the folder has "
        "this one. It may be misspelt, or the rule renamed: clicks count under the name that the rule had then.",
        rule_text("when: {clicked: {banner: Winter sail}}"),
        rule_text("when: {clicked: {banner: Winter sale}}"),
    ),
    FindingKind(
        "L19",
        "hours of another clock",
        "A file's `timezone` says on whose clocks its dates, hours and countdowns are. Without one they are UTC, in "
        "most places another hour. Write `timezone: UTC` if that is what you mean.",
        rule_text("when: {hours: between 08:00 and 12:00}"),
        "timezone: Europe/Amsterdam\n" + rule_text("when: {hours: between 08:00 and 12:00}"),
    ),
    FindingKind(
        "L20",
        "an amount that is met by chance only",
        "An amount alone is that amount to the cent. For a cart that is worth as much or more, write `at least`.",
        rule_text("when: {cart total: 50 EUR}"),
        rule_text("when: {cart total: at least 50 EUR}"),
    ),
    FindingKind(
        "L21",
        "an end that may be a day early",
        "A date alone is its first minute, so what ends on the 29th is seen on the 28th for the last time. Write the "
        "midnight after the last day, or a time, so that whoever reads it knows. Not told of the first of a month, nor "
        "where another rule of the file begins on that day.",
        rule_text("until: 2999-11-29"),
        rule_text("until: 2999-11-30 00:00"),
    ),
    FindingKind(
        "L22",
        "a row without products",
        "No product of the catalogue may stand in this row as it is now, or, of a rule that is yet to begin, when it "
        "does. The next rule that fits is shown instead, until the catalogue has some. Not told where it depends on "
        "the visitor, on the page, or on what others look at and buy.",
        rule_text("show: {products: {strategy: {chosen: SKU-1}, only: on sale}}"),
        rule_text("show: {products: {strategy: {chosen: SKU-1}}}"),
    ),
)
