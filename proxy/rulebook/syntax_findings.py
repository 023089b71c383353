"""The table of findings about a file's syntax: it cannot be parsed, or a word or value is not allowed where it is.
`findings.py` explains the rows.
"""

from __future__ import annotations

from proxy.rulebook.finding_kinds import FindingKind, banner_text, rule_text

WRITING: tuple[FindingKind, ...] = (
    FindingKind(
        "Y001",
        "this cannot be read",
        "The layout of the file is broken at this place: a quote or bracket that is never closed, a tab, a line that "
        'does not line up with its neighbours, or a text with ": " in it or with one of @ ` % at its beginning. '
        "Quotes around a text let it hold anything.",
        banner_text("title: Save 50%: now"),
        banner_text('title: "Save 50%: now"'),
    ),
    FindingKind(
        "Y002",
        "this means something special in YAML",
        "A text that begins with * or & or ! would repeat, name or type a part of the file. Rule files use none of "
        "that, and hold one document each. Put quotes around the text.",
        banner_text("title: !important news"),
        banner_text('title: "!important news"'),
    ),
    FindingKind(
        "Y003",
        "this is too much",
        "A file may be 1 MiB large and 20 levels deep, and a folder may hold 10,000 rules. That keeps a check "
        "quick and a mistake small.",
        rule_text("when: " + "{any of: [" * 10 + "{orders: 1}" + "]}" * 10),
        rule_text("when: " + "{any of: [" * 3 + "{orders: 1}" + "]}" * 3),
    ),
    FindingKind(
        "Y004",
        "this is not plain text",
        "The file or its name is not in UTF-8, or an invisible control character stands in it. This comes of copying "
        "out of other programs, and of old archives. Save it as UTF-8, name it anew, and delete the character.",
        banner_text("title: Hi\x7f"),
        banner_text("title: Hi"),
    ),
    FindingKind(
        "R101",
        "an unknown word",
        "The word before the colon is not one that may stand here. In a condition these are the words of the "
        "vocabulary, the attributes of attributes.yaml, and those an import has brought.",
        rule_text("priorty: high"),
        rule_text("priority: high"),
    ),
    FindingKind(
        "R102",
        "the same word twice",
        "A word may stand once in one place, else nobody could say which of the two counts. So may a pin: two products "
        "at one place, or one at two, are no order.",
        rule_text("priority: high", "priority: low"),
        rule_text("priority: high"),
    ),
    FindingKind(
        "R103",
        "something is missing",
        "A part needs a word that is not there. A rule needs a name, a slot and what to show.",
        "rules:\n  - name: Winter sale\n    show: nothing new",
        "rules:\n  - name: Winter sale\n    slot: home.hero\n    show: nothing new",
    ),
    FindingKind(
        "R104",
        "a different form is needed",
        "Some words take a text, some a list, some further lines under them. An empty place is also told: a condition "
        "that lost its lines would otherwise hold for everybody.",
        rule_text("when:", "  any of:", "    orders: 1"),
        rule_text("when:", "  any of:", "    - orders: 1"),
    ),
)
