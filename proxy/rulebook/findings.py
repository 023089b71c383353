"""The table of findings: what each means, a wrong example and a right one. Findings about a file's syntax are in
`syntax_findings.py`, warnings in `warnings.py`.

`tailorbird explain CODE` and the reference page print the rows. A test checks that each wrong example gives its finding
and each right one is clean, in a folder with the slots `home.hero` and `all.topbar`, the number attribute `orders`, the
banner `promo` and the products `SKU-1` and `SKU-9`, which is sold out.
"""

from __future__ import annotations

from proxy.rulebook.finding_kinds import FindingKind, banner_text, experiment_text, rule_text
from proxy.rulebook.syntax_findings import WRITING
from proxy.rulebook.warnings import WARNINGS

FINDINGS: tuple[FindingKind, ...] = (
    *WRITING,
    FindingKind(
        "R201",
        "the same name twice",
        "Two rules, segments or tests in the folder have one name, or an attribute has the name of a word. Capitals "
        "make no difference.",
        "segments:\n  VIP: {when: {orders: at least 4}}\n  vip: {when: {orders: at least 9}}\nrules: []",
        "segments:\n  VIP: {when: {orders: at least 4}}\n  Top VIP: {when: {orders: at least 9}}\nrules: []",
    ),
    FindingKind(
        "R202",
        "no rules",
        "The folder, or a rule file, holds no rules. That is more often an accident than a wish, so it has to be said: "
        "write `rules: []` to show nothing new anywhere.",
        "version: 1",
        "version: 1\nrules: []",
    ),
    FindingKind(
        "R203",
        "a segment asks for itself",
        "The condition of a segment asks for the segment itself, perhaps by way of another one, so nobody can say who "
        "is in it.",
        "segments:\n  A: {when: {segment: B}}\n  B: {when: {segment: A}}\nrules: []",
        "segments:\n  A: {when: {segment: B}}\n  B: {when: {orders: at least 4}}\nrules: []",
    ),
    FindingKind(
        "R204",
        "shares of more than everybody",
        "The shares of an experiment's variants, or of a group's members, lie side by side. Together they are 100 % at "
        "most; who is in none of them is not in the experiment.",
        experiment_text(
            "- {name: control, share: 60%, show: nothing new}", "- {name: new, share: 60%, show: nothing new}"
        ),
        experiment_text(
            "- {name: control, share: 40%, show: nothing new}", "- {name: new, share: 60%, show: nothing new}"
        ),
    ),
    FindingKind(
        "R301",
        "an unknown slot",
        "slots.yaml has no slot of this name. It names them all: those that pages mark as `data-slot`, with nothing "
        "behind them, and those that it finds in pages itself. A list written nearly as it stands there is a warning.",
        rule_text("slot: home.heroo"),
        rule_text("slot: home.hero"),
    ),
    FindingKind(
        "R302",
        "an unknown segment or stage",
        "No file describes a segment, or a stage of the journey, of this name. A segment that a cookie or an import "
        "brings is named without a condition, as `VIP: {}`.",
        "segments:\n  VIP: {}\n" + rule_text("when: {segment: VIPS}"),
        "segments:\n  VIP: {}\n" + rule_text("when: {segment: VIP}"),
    ),
    FindingKind(
        "R303",
        "not an amount",
        "A number is needed here, alone or as at least, at most, more than, less than, exactly or between. Write 1000 "
        "without a comma or point. A currency, % or times may follow; other units only if they are in the attribute's "
        "name, because nothing is converted.",
        rule_text("when:", "  orders: at leat 3"),
        rule_text("when:", "  orders: at least 3"),
    ),
    FindingKind(
        "R304",
        "not a possible value",
        "The word takes only certain values: a device is a phone, tablet or desktop, a country two letters, a page "
        "begins with a slash.",
        rule_text("when:", "  device: phon"),
        rule_text("when:", "  device: phone"),
    ),
    FindingKind(
        "R305",
        "an amount of a text",
        "This word holds a text, so at least, at most and between say nothing about it.",
        rule_text("when:", "  search term: at least 3"),
        rule_text("when:", "  search term: contains trail"),
    ),
    FindingKind(
        "R306",
        "not, any or none where they have no meaning",
        "`not`, `any` and `none` stand alone. A list means any of its parts, and `not A or not B` would hold for "
        "everybody; `not [A, B]` is neither of them.",
        rule_text("when:", "  country: [not NL, not BE]"),
        rule_text("when:", "  country: not [NL, BE]"),
    ),
    FindingKind(
        "R307",
        "an unknown time zone",
        "Time zones are named by a continent and a city, or UTC.",
        "timezone: Europe/Amsterdm\nrules: []",
        "timezone: Europe/Amsterdam\nrules: []",
    ),
    FindingKind(
        "R308",
        "not a limit",
        "A limit is the name of one of `limits:`, or says how often: once, twice or a number of times, per visitor, "
        "and per day, week or month (from midnight), per session, or per some minutes, hours, days or weeks. "
        "`stop after:` takes a number of times.",
        rule_text("limit: 3 a day"),
        rule_text("limit: at most 3 times per visitor per day"),
    ),
    FindingKind(
        "R309",
        "not a share",
        "A share of the visitors is written in percent, from 0% to 100%, in steps of 0.01%.",
        rule_text("rollout: 12.345%"),
        rule_text("rollout: 12.34%"),
    ),
    FindingKind(
        "R310",
        "an unknown member of a group",
        "A member of a group is a rule or an experiment of the folder, by its name.",
        "groups:\n  Heroes: {Winter sail: 50%}\n" + rule_text(),
        "groups:\n  Heroes: {Winter sale: 50%}\n" + rule_text(),
    ),
    FindingKind(
        "R311",
        "money of another currency",
        "Amounts are compared as they are, in the shop's own currency: that of most products, or else of most amounts "
        "in the folder. Nothing is converted.",
        rule_text("when:", "  average order: at least 50 EUR", "  lifetime spend: any", "  cart total: at least 9 NOK")
        + "\n  - {name: B, slot: home.hero, show: nothing new, when: {cart total: at least 20 EUR}}",
        rule_text("when:", "  average order: at least 50 EUR", "  lifetime spend: any", "  cart total: at least 9 EUR"),
    ),
    FindingKind(
        "R401",
        "ends before it starts",
        "`until` is not later than `from`, so this rule would never show.",
        rule_text("from: 2026-11-28", "until: 2026-11-25"),
        rule_text("from: 2026-11-25", "until: 2026-11-28 00:00"),
    ),
    FindingKind(
        "R402",
        "not a date",
        "Dates are year, month, day; a time may follow, on the clocks of the file's time zone.",
        rule_text("from: 25-11-2026"),
        rule_text("from: 2026-11-25 08:00"),
    ),
    FindingKind(
        "R403",
        "a ramp out of order",
        "The steps of a ramp are dates, one after the other, each with the share from then on.",
        rule_text("ramp: {2026-12-08: 25%, 2026-12-01: 5%}"),
        rule_text("ramp: {2026-12-01: 5%, 2026-12-08: 25%}"),
    ),
    FindingKind(
        "R501",
        "no such file",
        "The banner or card is not in the folder. `banner: promo` is the file banners/promo.html, a card is in cards/.",
        rule_text("show: {banner: prommo}"),
        rule_text("show: {banner: promo}"),
    ),
    FindingKind(
        "R502",
        "no such product",
        "The catalogue has no product of this id, of this brand or category, or none that answers the strategy. It may "
        "be mistyped; or it is sold no more, or not yet. So it is a warning, and tomorrow's feed stops no rule: until "
        "the catalogue has it, it is left out where it is to be shown.",
        rule_text("show: {products: {strategy: {chosen: [SKU-2]}}}"),
        rule_text("show: {products: {strategy: {chosen: [SKU-1]}}}"),
    ),
    FindingKind(
        "R503",
        "this cannot be shown",
        "The content has a fault: a field that is never closed, an address that leads nowhere safe, HTML that a page "
        "would not survive. A field as rules have it (`{first name|you}`) is a warning in an HTML file, where it is "
        "written otherwise.",
        banner_text("title: Sale", "button: Shop", "link: javascript:alert(1)"),
        banner_text("title: Sale", "button: Shop", "link: /sale"),
    ),
    FindingKind(
        "R504",
        "this would be left out",
        "A banner or card file holds text, pictures and links. Scripts, styles, forms and the like are not sent to "
        "pages, so that no file can break the shop; remove them, and use the classes of the shop's own stylesheet.",
        "<p>Sale</p>\n<script>alert(1)</script>",
        '<p class="hero-title">Sale</p>',
        file="banners/promo.html",
    ),
    FindingKind(
        "R505",
        "a product is left out",
        "A line of the catalogue cannot be read. The other products count; this is a warning and stops nothing.",
        '{"id": "SKU-1", "title": "Trail runner", "link": "/p/SKU-1"}\n{"id": "SKU-2", "price": 1}',
        '{"id": "SKU-1", "title": "Trail runner", "link": "/p/SKU-1"}',
        file="products.jsonl",
    ),
    FindingKind(
        "R506",
        "a field that nobody fills",
        "The text has a field for something that is known of no visitor, so everybody sees its default or nothing. "
        "A field is a word of attributes.yaml, of an import, or of conditions. So it is with a countdown that is over "
        "when its rule begins, as in a copy of last year's. This is a warning and stops nothing.",
        banner_text('title: "{oders|No} orders so far"'),
        banner_text('title: "{orders|No} orders so far"'),
    ),
    FindingKind(
        "R507",
        "what was bought cannot be read",
        "The file orders.csv or visits.csv holds what was bought or looked at together, for tests and a new shop to "
        "learn from: a table with an order's or a visit's id and a product's, or a line a basket. This is a warning "
        "and stops nothing.",
        "order_id,product_id\n1,SKU-1\n2",
        "order_id,product_id\n1,SKU-1\n2,SKU-1",
        file="orders.csv",
    ),
    FindingKind(
        "R601",
        "a test names no rule",
        "The test expects a rule that is not in the folder. It may have been renamed.",
        rule_text() + "\ntests:\n  - name: A test\n    expect: {home.hero: Winter sail}",
        rule_text() + "\ntests:\n  - name: A test\n    expect: {home.hero: Winter sale}",
    ),
    FindingKind(
        "R602",
        "a test looks in the wrong slot",
        "The test expects a rule in a slot that the rule is not for.",
        rule_text() + "\ntests:\n  - name: A test\n    expect: {all.topbar: Winter sale}",
        rule_text() + "\ntests:\n  - name: A test\n    expect: {home.hero: Winter sale}",
    ),
    FindingKind(
        "R701",
        "pages that another part takes",
        "Of the parts of cache.yaml whose path fits a page, the first counts. One further up is for all the pages of "
        "this one, so it never counts. Put narrow paths first.",
        "pages:\n  - path: /c/*\n    fresh: 5 minutes\n    cookies: {own: [user]}\n  - path: /c/new\n    store: no",
        "pages:\n  - path: /c/new\n    store: no\n  - path: /c/*\n    fresh: 5 minutes\n    cookies: {own: [user]}",
        file="cache.yaml",
    ),
    FindingKind(
        "R702",
        "a cookie where something is run",
        "A hole that is filled from a cookie may not be an address, a style or a handler. Anybody who can set a cookie "
        "in a visitor's name, as a page on a sister site can, would choose what runs in the page.",
        "pages:\n  - path: /\n    holes:\n      - find: a.b\n        attribute: href\n        fill: cookie back",
        "pages:\n  - path: /\n    holes:\n      - find: input.b\n        attribute: value\n        fill: cookie back",
        file="cache.yaml",
    ),
    FindingKind(
        "R703",
        "a wait for a page that may be kept",
        "`wait` is for an address that answers only when there is news (long polling). The news is for whoever asks, "
        "so the page has to say `store: no`. Requests to it do not count towards how many the origin gets at once, and "
        "say nothing of how fast it is. Where the whole shop is slow, there is TAILORBIRD_FIRST_BYTE_TIMEOUT_MS.",
        "pages:\n  - path: /api/news\n    wait: 1 minute",
        "pages:\n  - path: /api/news\n    store: no\n    wait: 1 minute",
        file="cache.yaml",
    ),
    *WARNINGS,
)
