"""A row of an import as a profile, tidied: a number, a yes or no, a list of segments is recognised in the forms people
and their programs write, and every change that might surprise is noted with its line.

The same file gives the same profiles whenever it is imported. Texts that look like a number or a `no` but are none
(post codes, phone numbers, the country NO) stay texts, by the name of their column.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from proxy.audience.identity import NOBODY
from proxy.audience.rows import ID_NAMES, SEGMENT_NAMES, Note, Row
from proxy.model import AttributeValue, Profile

MAX_TEXT = 1_000
MAX_MEMBERS = 100
MAX_SEGMENT = 64
MAX_PROFILE_BYTES = 48 * 1024
MAX_EXACT = 2**53

VISITOR_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
LIST_MARKS = re.compile(r"[;|,]")

EMPTY = {"NULL", "null", "N/A", "n/a", "#N/A", "NaN", "nan", r"\N"}
# Where a language's `yes` is one, its `no` is one too: half of a column would be texts. Spreadsheets write WAHR, VRAI.
_YES = "yes ja true oui sí sim si sì tak wahr waar vrai sand sant vero verdadero"
_NO = "no nee nein nei nej false non não nie falsch onwaar faux falsk usann falso"
TRUTHS = dict.fromkeys(_YES.split(), True) | dict.fromkeys(_NO.split(), False)
EMAIL_WORDS = {"email", "mail"}
EMAIL = re.compile(r"[^\s@,;<>\"]{1,64}@[^\s@.,;<>\"]+(?:\.[^\s@.,;<>\"]+)+")
TEXT_WORDS = {"name", "country", "language", "locale", "city", "street", "address", "phone", "telephone", "note"}
TEXT_WORDS |= {"postcode", "postal", "zip", "code", "sku", "ean"} | EMAIL_WORDS

CURRENCY = "€|[$]|£|EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|CAD|AUD|JPY"
MONEY = re.compile(rf"(?P<before>{CURRENCY})?\s*(?P<amount>-?[0-9].*?)\s*(?P<after>{CURRENCY})?")
SIGNS = {"€": "EUR", "£": "GBP"}  # a dollar may be of many countries
CODE = re.compile(r"[A-Z]{3}", re.ASCII)
SPACES = "\u00a0\u202f "
GROUPED = re.compile(
    rf"-?[1-9][0-9]{{0,2}}(?P<mark>[.,'’{SPACES}])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*(?:(?P<point>[.,])(?P<fraction>[0-9]+))?"
)
DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:[.,](?P<fraction>[0-9]+))?")
DOTTED = re.compile(r"(\d\d)\.(\d\d)\.(\d{4})(?=$| )", re.ASCII)  # the day comes first everywhere; not with slashes
AS_A_DATE = re.compile(r"(?:\d{1,2}([-/])\d{1,2}\1\d{4}|\d{4}/\d{1,2}/\d{1,2})(?:[ T].*)?", re.ASCII)
SHORTENED = re.compile(r"\d(?:[.,]\d+)?E\+\d{1,3}", re.ASCII | re.IGNORECASE)
NO_ID = "no visitor id of 1 to 64 letters, digits, hyphens and underscores that says who it is"
MAX_DIGITS = 15
MAX_NUMBER = 40


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`profile` is None when the row was refused; `notes` say what was changed or refused."""

    profile: Profile | None
    notes: tuple[Note, ...]


def shortened(text: str) -> str:
    """What is wrong with an id or number that a spreadsheet has shortened, so that others look the same; "" if none."""
    if not SHORTENED.fullmatch(text):
        return ""
    return f"`{text}` is a long number as a spreadsheet shortens it: give its column the format Text, fill it anew"


def no_id(text: str) -> str:
    """Why a text is no visitor id, and what would be one."""
    if EMAIL.fullmatch(text):
        return f"`{text}` is an e-mail address, and no visitor id: write your own number of the customer, or a hash"
    return shortened(text) or (f"`{text:.{MAX_NUMBER}}` is {NO_ID}" if text else f"has {NO_ID}")


def clean(row: Row, *, now: float) -> Cleaned:
    """The profile in a row; `now` is when it is imported."""
    if row.is_refused or not row.cells:
        return Cleaned(None, row.notes)
    visitor_id = visitor_id_of(row)
    if visitor_id is None:
        return _refused(row, no_id(str(row.cells.get(_id_name(row), "")).strip()))
    notes = list(row.notes)
    attributes, segments = _attributes(row, notes), _segments(row, notes)
    profile = Profile(visitor_id, attributes, segments, now)
    if _size(profile) > MAX_PROFILE_BYTES:
        return _refused(row, f"holds more than {MAX_PROFILE_BYTES // 1024} KiB")
    return Cleaned(profile, tuple(notes))


def visitor_id_of(row: Row) -> str | None:
    """The row's visitor id; None when it has none, one that cannot be, or one that means nobody, as `NULL`."""
    raw = row.cells.get(_id_name(row), "")
    text = str(raw).strip() if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    return text if VISITOR_ID.fullmatch(text) and not NOBODY.fullmatch(text) else None


def last_lines(rows: Iterable[Row]) -> dict[str, int]:
    """The last line of every visitor who has several rows. Keeps a hash of each id, about 60 bytes, not the rows."""
    seen: set[int] = set()
    last: dict[str, int] = {}
    for row in rows:
        visitor_id = visitor_id_of(row)
        if visitor_id is None or row.is_refused:
            continue
        if hash(visitor_id) in seen:
            last[visitor_id] = row.line
        seen.add(hash(visitor_id))
    return last


def value_of(name: str, cell: object) -> tuple[AttributeValue | None, str]:
    """The value of a cell in column `name` (None: empty), and what was changed to get it ("": nothing worth a note)."""
    if isinstance(cell, bool):
        return cell, ""
    if isinstance(cell, int | float):
        return (float(cell), "") if abs(cell) <= MAX_EXACT else (str(cell), "too large for a number, kept as text")
    if isinstance(cell, list):
        return _members(cell)
    if not isinstance(cell, str):
        return None, "left out: an object within an object; give its parts fields of their own"
    text, done = tidy(cell)
    if text in EMPTY:
        return None, f"`{text}` read as empty"
    if len(text) > MAX_TEXT:
        return None, f"left out: longer than {MAX_TEXT} characters"
    words = set(name.split())
    if name in EMAIL_WORDS and text and not EMAIL.fullmatch(text):
        return None, f"left out: `{text}` is no e-mail address"
    if words & EMAIL_WORDS and text != text.lower():
        text, done = text.lower(), _joined(done, "written in small letters")
    if not text or words & TEXT_WORDS:
        return text or None, done
    return _typed(text, done)


def segments_of(cell: object) -> tuple[frozenset[str], str]:
    """Segment names of a list, or of a text parted by `;`, `|` or `,`; and what was done to them."""
    found = LIST_MARKS.split(cell) if isinstance(cell, str) else cell if isinstance(cell, list) else [cell]
    names = {tidy(name)[0] for name in found if isinstance(name, str)} - {"", *EMPTY}
    kept = {name for name in names if len(name) <= MAX_SEGMENT}
    problems = [
        f"left out: a segment's name is longer than {MAX_SEGMENT} letters" if kept != names else "",
        "left out: what is no text" if any(not isinstance(name, str) for name in found) else "",
    ]
    return frozenset(kept), _joined(*problems)


def tidy(text: str) -> tuple[str, str]:
    """The text in Unicode's NFC without control characters and outer spaces; and what was done to it."""
    printable = CONTROL.sub("", text)
    composed = unicodedata.normalize("NFC", printable)
    trimmed = composed.strip()
    done = [
        "control characters removed" if printable != text else "",
        "letters and their accents joined" if composed != printable else "",
        "spaces around it removed" if trimmed != composed else "",
    ]
    return trimmed, _joined(*done)


def number_of(text: str) -> float | None:
    """The number in a text: `12`, `1.234,50`, `1,234.50`, `€ 12.30`, `12 EUR`; None when it is none.

    A lone mark before three digits parts thousands when it is a comma or the amount is money (`€ 1.234`); else it is
    a decimal point (`1.234`). Leading zeros make it no number, nor do more digits than a float holds.
    """
    money = MONEY.fullmatch(text) if len(text) <= MAX_NUMBER else None
    if money is None or (money["before"] and money["after"]):
        return None
    amount, is_money = money["amount"], bool(money["before"] or money["after"])
    grouped = GROUPED.fullmatch(amount)
    shape = grouped if grouped and _is_grouped(grouped, is_money) else DECIMAL.fullmatch(amount)
    digits = re.sub("[^0-9]", "", amount)
    if shape is None or len(digits) > MAX_DIGITS:
        return None
    decimals = len(shape["fraction"] or "")
    number = float(f"{digits[: len(digits) - decimals]}.{digits[len(digits) - decimals :]}")
    return -number if amount.startswith("-") else number


def currency_of(named: str, amounts: Iterable[str]) -> str:
    """The code of a currency, as EUR: the one named, if it is one, else that of the first amount which has one (`12
    EUR`, `€ 12`); "" when there is none."""
    if named:
        code = SIGNS.get(named, named.upper())
        return code if CODE.fullmatch(code) else ""
    found = filter(None, map(MONEY.fullmatch, amounts))
    codes = (SIGNS.get(mark, mark) for one in found if (mark := one["before"] or one["after"] or ""))
    return next(filter(CODE.fullmatch, codes), "")


def _is_grouped(shape: re.Match[str], is_money: bool) -> bool:
    mark, point = shape["mark"], shape["point"]
    if point is not None:
        return mark != point
    return is_money or shape[0].count(mark) > 1 or mark not in (".", " ")


def dated(text: str) -> str | None:
    """A date with dots, with or without a time, as ISO 8601 has it; None for anything else."""
    iso = DOTTED.sub(r"\3-\2-\1", text)
    try:
        return iso if DOTTED.match(text) and datetime.fromisoformat(iso) else None
    except ValueError:
        return None


def _typed(text: str, done: str) -> tuple[AttributeValue, str]:
    truth = TRUTHS.get(text.lower())
    if truth is not None:
        return truth, _joined(done, "" if text in ("true", "false") else f"`{text}` read as {str(truth).lower()}")
    number = number_of(text)
    if number is None and AS_A_DATE.fullmatch(text):
        return text, _joined(done, f"kept as a text: if `{text}` is a date, write it as 2025-12-24")
    if number is None:
        iso = dated(text)
        return iso or text, _joined(done, f"`{text}` read as {iso}" if iso else "")
    is_plain = re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?", text)
    return number, _joined(done, "" if is_plain else f"`{text}` read as {number:.15g}")


def _attributes(row: Row, notes: list[Note]) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {}
    for name, cell in row.cells.items():
        if name == _id_name(row) or name in SEGMENT_NAMES:
            continue
        value, done = value_of(name, cell)
        if done:
            notes.append(Note(row.line, name, done))
        if value is not None:
            attributes[name] = value
    return attributes


def _segments(row: Row, notes: list[Note]) -> frozenset[str]:
    segments: frozenset[str] = frozenset()
    for name in SEGMENT_NAMES:
        named, done = segments_of(row.cells.get(name, ""))
        segments |= named
        if done:
            notes.append(Note(row.line, name, done))
    return segments


def _members(cell: list[object]) -> tuple[frozenset[str] | None, str]:
    texts = {tidy(member)[0] for member in cell if isinstance(member, str)} - {""}
    kept = {text for text in texts if len(text) <= MAX_TEXT}
    if len(kept) != len(texts) or len(kept) > MAX_MEMBERS or not all(isinstance(member, str) for member in cell):
        return None, f"left out: a list may hold up to {MAX_MEMBERS} texts of up to {MAX_TEXT} characters"
    return frozenset(kept) or None, ""


def _id_name(row: Row) -> str:
    return next((name for name in ID_NAMES if name in row.cells), "")


def _size(profile: Profile) -> int:
    texts = [*profile.attributes, *profile.segments]
    for value in profile.attributes.values():
        texts += value if isinstance(value, frozenset) else [str(value)]
    return sum(len(text.encode()) for text in texts)


def _refused(row: Row, what: str) -> Cleaned:
    return Cleaned(None, (*row.notes, Note(row.line, "", what, is_refusal=True)))


def _joined(*done: str) -> str:
    return ", ".join(filter(None, done))
