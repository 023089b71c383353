"""The table of phrases an editor may write in a condition: those about the request are here, those about the time in
`clocks.py`, those about the visitor's history in `behaviours.py`.

A new phrase is a new row: the checker, the JSON Schema and the reference page read the rows. An editor may also name
any attribute that `attributes.yaml` declares or an import has brought; `words` joins both.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from math import inf

from proxy.conditions.behaviours import ACTIONS, TRAITS
from proxy.conditions.clocks import CLOCKS
from proxy.conditions.durations import UNITS, seconds_of
from proxy.conditions.phrase import PATH, PATH_HINT, SITE, Kind, Phrase

_ISO_3166_ALPHA_2 = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO "
    "FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE "
    "JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO "
    "MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW "
    "PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM "
    "TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "
)
COUNTRIES = tuple(_ISO_3166_ALPHA_2.split())

PLACES = ("region", "city")
"""Phrases that the shop's data may answer, as attributes of these names, where no proxy is asked."""

REQUESTED: tuple[Phrase, ...] = (
    Phrase(
        "segment",
        "segment",
        Kind.SET,
        "a group the visitor is in: one of `segments:`",
        example="segment: VIP",
        wrong="segment: VIPS",
        wrong_code="R302",
    ),
    Phrase(
        "country",
        "country",
        Kind.TEXT,
        "where the visitor is, as two letters; known when a trusted proxy or CDN says so",
        example="country: [NL, BE, NO]",
        wrong="country: UK",
        wrong_code="R304",
        choices=COUNTRIES,
        hint="write the two letters of a country, as NO, NL or GB",
    ),
    Phrase(
        "region",
        "region",
        Kind.NAME,
        "the province, state or canton the visitor is in, by its name or ISO 3166-2 code as the proxy or CDN says it; "
        "accents and capitals do not count",
        example="region: [Nordland, Troms, Finnmark]",
        wrong="region: at least 3",
        wrong_code="R305",
    ),
    Phrase(
        "city",
        "city",
        Kind.NAME,
        "the town the visitor is in, when a trusted proxy or CDN says so, else as your own data has it; accents and "
        "capitals do not count",
        example="city: [Bern, Köniz, Thun]",
        wrong="city: at least 3",
        wrong_code="R305",
    ),
    Phrase(
        "language",
        "language",
        Kind.SET,
        "the language the browser asks for first; `nl` is also met by `nl-BE`",
        example="language: [nl, fr-BE]",
        wrong="language: Flemish Dutch",
        wrong_code="R304",
        shape=r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*",
        hint="write its short name, as nl or nl-BE",
    ),
    Phrase(
        "device",
        "device",
        Kind.TEXT,
        "what the visitor holds",
        example="device: [phone, tablet]",
        wrong="device: phon",
        wrong_code="R304",
        choices=("phone", "tablet", "desktop"),
    ),
    Phrase(
        "page",
        "page",
        Kind.TEXT,
        "the path of the page, without what follows a question mark",
        example="page: starts with /category/shoes",
        wrong="page: shoes",
        wrong_code="R304",
        shape=PATH,
        hint=PATH_HINT,
    ),
    Phrase(
        "search term",
        "search term",
        Kind.TEXT,
        "what the visitor searched for on this page: `q`, `query`, `search`, `s` or `keyword` in its address",
        example="search term: [contains trail, running]",
        wrong="search term: at least 3",
        wrong_code="R305",
    ),
    Phrase(
        "refinement",
        "refinement",
        Kind.SET,
        "how the visitor narrowed the list: the address's parameters by name",
        example="refinement: {colour: red, size: any}",
        wrong="refinement: red",
        wrong_code="R104",
        parts=(),
        stands_alone=False,
    ),
    Phrase(
        "campaign",
        "campaign",
        Kind.TEXT,
        "the campaign that brought the visitor: utm_campaign, or its source, medium, term or content",
        example="campaign: {source: newsletter, medium: not paid}",
        wrong="campaign: {sorce: newsletter}",
        wrong_code="R101",
        parts=("source", "medium", "term", "content"),
    ),
    Phrase(
        "referrer",
        "referrer",
        Kind.TEXT,
        "the site the visitor came from, without www.; unknown when it is your own",
        example="referrer: [google.com, contains duckduckgo]",
        wrong="referrer: https://google.com/",
        wrong_code="R304",
        shape=SITE,
        hint="write only the site's name, as google.com, or: contains google",
    ),
    Phrase(
        "visitor",
        "visitor",
        Kind.TEXT,
        "whether the visitor was here before",
        example="visitor: returning",
        wrong="visitor: old",
        wrong_code="R304",
        choices=("new", "returning"),
    ),
    Phrase(
        "location",
        "location",
        Kind.PLACE,
        "where the visitor is, when an app, a login, or a proxy or CDN tells: latitude and longitude",
        example="location: within 20 km of Utrecht",
        wrong="location: in Utrecht",
        wrong_code="R304",
    ),
    Phrase(
        "app version",
        "app version",
        Kind.VERSION,
        "the version of the app that asks, when it tells",
        example="app version: at least version 2.10",
        wrong="app version: the latest",
        wrong_code="R304",
    ),
    Phrase(
        "time zone",
        "time zone",
        Kind.TEXT,
        "the time zone the visitor's clocks are in, when an app, a login, or a proxy or CDN tells",
        example="time zone: starts with Europe/",
        wrong="time zone: Amsterdam",
        wrong_code="R304",
        shape=r"UTC([+-]\d\d:\d\d)?|[A-Za-z]+/[A-Za-z0-9_+/-]*",
        hint="write its name, as Europe/Amsterdam",
    ),
    *CLOCKS,
    Phrase(
        "journey stage",
        "journey stage",
        Kind.TEXT,
        "how far the visitor has come: one of the stages of `journey:`",
        example="journey stage: [interest, intent]",
        wrong="journey stage: intend",
        wrong_code="R302",
    ),
)

PHRASES = (*REQUESTED, *ACTIONS, *TRAITS)
COUNTED = " N days"


def words(
    segments: Collection[str] = (),
    declared: Mapping[str, Kind] | None = None,
    imported: Collection[str] = (),
    stages: Collection[str] = (),
) -> dict[str, Phrase]:
    """Every word a condition may begin with: the phrases, then declared, then imported attributes. The phrases
    `segment` and `journey stage` have the names of `segments` and `stages` as their choices."""
    known = {phrase.key: replace(phrase) for phrase in PHRASES}  # what it reads is remembered for this folder alone
    known["segment"] = replace(known["segment"], choices=tuple(segments))
    known["journey stage"] = replace(known["journey stage"], choices=tuple(stages))
    for name, kind in (declared or {}).items():
        if name not in known or name in PLACES:
            known[name] = attribute_phrase(name, kind)
    for name in sorted(imported):
        known.setdefault(name, attribute_phrase(name, Kind.ANYTHING))
    return known


def attribute_phrase(name: str, kind: Kind) -> Phrase:
    """The phrase of a profile attribute, which is its bare name."""
    return Phrase(name, name, kind, f"an attribute of your visitors ({kind})")


def phrase_of(word: str, known: Mapping[str, Phrase]) -> Phrase | None:
    """The phrase of a word, from `words`. `orders in the last 30 days` is `orders in the last N days`, with the time in
    its measure."""
    phrase = known.get(word)
    if phrase is not None:
        return None if COUNTED in word else phrase
    for counted in known.values():
        if COUNTED in counted.key and counted.measure and (found := re.fullmatch(pattern_of(counted), word)):
            measure = replace(counted.measure, within_seconds=seconds_of(found[1]) or inf)
            return replace(counted, key=word, attribute=word, measure=measure)
    return None


def pattern_of(phrase: Phrase) -> str:
    """The regular expression of a phrase that has a number in its key."""
    return re.escape(phrase.key).replace(re.escape(COUNTED), rf" ([1-9][0-9]{{0,3}} (?:{'|'.join(UNITS)})s?)")


def spelled(word: str, known: Iterable[str]) -> list[str]:
    """Known words that resemble an unknown one, with its number in those that take a number."""
    number = re.search(r"[1-9][0-9]{0,3}", word)
    return [key.replace(COUNTED, f" {number[0] if number else 30} days") for key in known]
