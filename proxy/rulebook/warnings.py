"""The warnings, one row each: what is not wrong but hardly meant. They stop nothing, but with `--strict`. See
`findings.py` for what the rows hold.

The site of the examples has the slot `home.hero` in all pages recorded of late, and none of their visitors ordered more
than a few times; it has room for 40 characters.
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
        rule_text("until: 2020-11-25"),
        rule_text("until: 2999-11-25"),
    ),
    FindingKind(
        "L3",
        "a slot that no page has any more",
        "A rule is for a slot that none of the pages recorded in the last 7 days had, so it may have gone from the "
        "shop. Told when a store with recorded views is named.",
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
        "Who is not known by the field's word sees a gap where it stands. Write what they read instead, behind a bar.",
        banner_text('title: "Welcome back, {city}"'),
        banner_text('title: "Welcome back to {city|our shop}"'),
    ),
    FindingKind(
        "L6",
        "a picture without words or without size",
        "`alt` is what is read to who cannot see a picture. Without `image width` and `image height` a browser keeps "
        "no room for it, and the page moves when it comes.",
        banner_text("title: Sale", "image: /sale.avif", "alt: A box"),
        banner_text("title: Sale", "image: /sale.avif", "alt: A box", "image width: 1200", "image height: 480"),
    ),
    FindingKind(
        "L7",
        "a segment that nobody is in",
        "A rule asks for a segment that none of the recorded visitors of the last 7 days was in. Told when a store "
        "with 1,000 recorded views or more is named. Where the studio counts visitors, what only a request tells.",
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
        "How long the page is kept is your word, and nothing says which cookies it depends on. A shop that says "
        "nothing of keeping says nothing of cookies either, so who is logged in would be shown the page of a stranger.",
        "pages:\n  - path: /c/*\n    fresh: 5 minutes",
        "pages:\n  - path: /c/*\n    fresh: 5 minutes\n    cookies: {own: [sessionid]}",
        file="cache.yaml",
    ),
    FindingKind(
        "L12",
        "an address that is another on each page",
        "An address without a slash in front is counted from the page it stands on, and banners stand on many.",
        banner_text("title: Sale", "link: sale"),
        banner_text("title: Sale", "link: /sale"),
    ),
    FindingKind(
        "L13",
        "a line that changes nothing",
        "`also on` is checked and kept, and nothing is sent by it: apps, mails and kiosks ask for a slot by "
        "themselves. Of an experiment's `guardrails` nothing measures `page load time` and `bounce`. Other lines lack "
        "what they are about: `alt` an `image`, a slot's `place` a `selector`, `fresh` a page that is stored, a limit "
        "a rule that names it.",
        rule_text("also on: email"),
        rule_text(),
    ),
    FindingKind(
        "L14",
        "a text that ends too early",
        "A # with a blank before it begins a note for colleagues, up to the end of its line, so the text ends there. "
        "In quotes it is a letter like any other. A note that is meant has a blank behind its #, too.",
        banner_text("title: Offer #1 of three"),
        banner_text('title: "Offer #1 of three"  # the first'),
    ),
    FindingKind(
        "L15",
        "a pattern that is none",
        "`*` and what stands between slashes mean other texts in many programs. In a condition each sign stands for "
        "itself, so such a value meets nobody who writes plain words.",
        rule_text('when: {search term: "/trail.*/"}'),
        rule_text("when: {search term: contains trail}"),
    ),
)
