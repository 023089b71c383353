"""Requests as browsers, crawlers and attackers write them, drawn by dice from `oddities.py`."""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from proxy.visitors.persona import Persona
from proxy.visitors.preview import Preview, Tokens
from proxy.visitors.visitor import Cookies
from tests.fuzz.oddities import (
    BARE,
    BROWSERS,
    COOKIES,
    HOST,
    HOSTS,
    METHODS,
    MORE,
    ODD_PATHS,
    OTHERS,
    PATHS,
    PIECES,
    REST,
    VERSIONS,
    Field,
)
from tests.wire.behind import SECRET
from tests.wire.site import NOON

_TAGS = re.compile(rb"\r\n[Ee][Tt]ag: ([^\r]+)")

Browser = tuple[bytes, bytes, bytes, list[Field]]
"""Method, target, version, and the fields it sends, its cookies aside."""


@dataclass
class Asked:
    """What is sent, in pieces; `tokens` are those of the visitors whose cookies it has. It `changes` what is stored
    where it has a method that may."""

    pieces: list[bytes]
    tokens: set[bytes] = field(default_factory=set)
    changes: bool = False


class Heads:
    """Draws requests to a shop with so many visitors, whose cookies are genuine, forged, expired or somebody else's."""

    def __init__(self, dice: random.Random, cookies: Cookies, visitors: int) -> None:
        self._dice = dice
        self._odd: deque[Browser] = deque(maxlen=10)
        self._etags: deque[bytes] = deque([b'"page"'], maxlen=10)
        old = Cookies("another-secret-long-enough", is_demo=True)
        self._visitors = visitors
        self._of = [cookies.visitor_pair(f"visitor-{n}", NOON - 86_400) for n in range(visitors)]
        self._vip = [cookies.segments_pair(f"visitor-{n}", ["VIP"], NOON, 3_600) for n in range(visitors)]
        self._over = [cookies.segments_pair(f"visitor-{n}", ["VIP"], NOON - 7_200, 3_600) for n in range(visitors)]
        self._later = [cookies.segments_pair(f"visitor-{n}", ["VIP"], NOON + 7_200, 3_600) for n in range(visitors)]
        self._foreign = [old.visitor_pair(f"visitor-{n}", NOON - 86_400) for n in range(visitors)]
        self._coming = [cookies.visitor_pair(f"visitor-{n}", NOON + 2 * 86_400) for n in range(visitors)]
        preview = Tokens(SECRET, is_demo=True).token(Preview(int(NOON) + 600, "", Persona()))
        self._preview = b"tb_p=" + preview

    def usual(self) -> list[Asked]:
        """What browsers send: each of them every path, each visitor in turn."""
        asked = [(browser, path) for browser in BROWSERS for path in dict.fromkeys(PATHS)]
        return [
            Asked([_head(b"GET", path, _with_cookie(browser, self._of[number % self._visitors]))])
            for number, (browser, path) in enumerate(asked)
        ]

    @staticmethod
    def by_strangers(paths: Sequence[bytes] = (*PATHS, *ODD_PATHS)) -> list[Asked]:
        """Every path without a cookie, so that what may be stored is."""
        return [Asked([_head(b"GET", path, _with_cookie(BARE, b""))]) for path in dict.fromkeys(paths)]

    def any(self) -> Asked:
        """The next one, or a few in one go."""
        several = [self._one(may_change=False) for _ in range(self._dice.choice((0,) * 14 + (2, 3)))]
        data, numbers, changes = b"", set[int](), False
        for one in several or [self._one(may_change=True)]:
            data += one
        changes = not several and not data.startswith((b"GET ", b"HEAD "))
        numbers = {number for number in range(self._visitors) if self._of[number] in data}
        return Asked(self._in_pieces(data), set(map(token, numbers)), changes)

    def plainly(self, path: bytes) -> Asked:
        """What a browser sends, with cookies of the shop or without."""
        number = self._dice.randrange(self._visitors)
        cookies = self._of[number] + self._dice.choice((b"", b"; shop=" + token(number)))
        fields = list(_with_cookie(self._dice.choice(BROWSERS), cookies))
        if self._dice.random() < 0.1:
            fields.append(
                self._dice.choice(((b"If-None-Match", b'"v1"'), (b"If-None-Match", b"*"), (b"Range", b"bytes=0-3")))
            )
        method = b"HEAD" if self._dice.random() < 0.05 else b"GET"
        return Asked([_head(method, path, fields)], {token(number)})

    def heard(self, answer: bytes) -> None:
        """Takes the tags of an answer: some of the next requests ask whether they are still right."""
        self._etags += _TAGS.findall(answer)

    def _conditions(self) -> bytes:
        """What If-None-Match may say of tags that were heard."""
        tags = self._dice.sample(self._etags, self._dice.choice((1, 1, min(2, len(self._etags)))))
        strong = [tag.removeprefix(b"W/") if self._dice.random() < 0.3 else tag for tag in tags]
        return self._dice.choice((b", ", b",", b" ,\t", b", , ")).join(strong)

    def _in_pieces(self, data: bytes) -> list[bytes]:
        kind = self._dice.random()
        if kind < 0.88 or len(data) < 3:
            return [data]
        if kind < 0.99:
            at = sorted(self._dice.sample(range(1, len(data)), min(len(data) - 1, self._dice.randrange(1, 4))))
            return [data[start:end] for start, end in zip([0, *at], [*at, len(data)], strict=True)]
        return [data[at : at + 1] for at in range(len(data))] if len(data) < 600 else [data]

    def _one(self, *, may_change: bool) -> bytes:
        dice = self._dice
        if dice.random() < 0.3 and self._odd:
            method, path, version, fields = dice.choice(self._odd)
        else:
            method, path, version, fields = self._browser(may_change=may_change)
        number = dice.randrange(self._visitors)
        data = _head(method, path, _with_cookie(fields, self._cookies(number)), version)
        if dice.random() < 0.15:
            fields = [*fields, (b"If-None-Match", self._conditions())]
            data = _head(method, path, _with_cookie(fields, self._cookies(number)), version)
        if dice.random() < 0.06:
            data += dice.choice(REST)
        if dice.random() < 0.1:
            data = self._spliced(data)
        return data

    def _browser(self, *, may_change: bool) -> Browser:
        """One in three is an odd one, which comes back with other cookies: so all that is odd is learned, too."""
        dice = self._dice
        fields, method, path, version = list(dice.choice(BROWSERS)), b"GET", dice.choice(PATHS), b"HTTP/1.1"
        if dice.random() < 0.5:
            path = dice.choice((b"/", b"/", b"/", b"/c/shoes"))
        if dice.random() < 0.6:
            return method, path, version, fields
        if dice.random() < 0.15:
            method = dice.choice(METHODS if may_change else (b"HEAD", b"get"))
        if dice.random() < 0.2:
            path = dice.choice(ODD_PATHS)
        if dice.random() < 0.05:
            version = dice.choice(VERSIONS)
        for _ in range(dice.choice((0, 0, 1, 1, 2, 3))):
            self._change(fields)
        if method in (b"GET", b"HEAD"):
            self._odd.append((method, path, version, fields))
        return method, path, version, fields

    def _spliced(self, data: bytes) -> bytes:
        """With something put in, most often where it is another thing each time."""
        dice, piece = self._dice, self._dice.choice(PIECES)
        begun = data.lower().find(dice.choice((b"\r\ncookie: ", b"\r\nx-forwarded-for: ", b"\r\nif-none-match: ")))
        at = dice.randrange(len(data)) if begun < 0 else begun + 12 + dice.randrange(30)
        return data[:at] + piece + data[at + dice.choice((0, 0, 1, 5)) :]

    def _change(self, fields: list[Field]) -> None:
        dice = self._dice
        at = dice.randrange(len(fields)) if fields else 0
        name, value = fields[at] if fields else HOST
        kind = dice.randrange(12)
        if kind <= 4:
            fields.insert(dice.randrange(len(fields) + 1), dice.choice(MORE))
        elif kind == 5 and fields:
            del fields[at]
        elif kind == 6:
            fields.insert(dice.randrange(len(fields) + 1), (name, value))
        elif kind == 7:
            fields[at : at + 1] = [
                (dice.choice((name.lower(), name.upper(), name.title(), name + b" ", b" " + name)), value)
            ]
        elif kind == 8:
            fields[at : at + 1] = [
                (name, dice.choice((b"", b" " + value, value + b" ", b"\t" + value, value + b"\t", value + b" " * 5)))
            ]
        elif kind == 9:
            where = dice.randrange(len(value) + 1)
            fields[at : at + 1] = [(name, value[:where] + dice.choice(PIECES) + value[where:])]
        elif kind == 10:
            fields[at : at + 1] = (
                [(b"Host", dice.choice(HOSTS))] if name.lower() == b"host" else [(name, dice.choice(MORE)[1])]
            )
        else:
            dice.shuffle(fields)

    # -- cookies

    def _cookies(self, number: int) -> bytes:
        dice, of = self._dice, self._of[number]
        other = dice.randrange(self._visitors)
        kinds: Sequence[Callable[[], list[bytes]]] = (
            lambda: [of],
            lambda: [of],
            lambda: [of, self._vip[number]],
            lambda: [of, self._vip[number]],
            lambda: [self._vip[number], of],
            lambda: [of, self._over[number]],
            lambda: [of, self._later[number]],
            lambda: [of, self._vip[other]],
            lambda: [self._vip[number]],
            list,
            lambda: [of, self._of[other]],
            lambda: [of, of],
            lambda: [of, self._vip[number], self._vip[number]],
            lambda: [self._foreign[number]],
            lambda: [self._coming[number]],
            lambda: [of[:-1]],
            lambda: [of + b"A"],
            lambda: [of.replace(b"=v1.", b"=v2.")],
            lambda: [of.replace(b"tb_v=", b'tb_v="') + b'"'],
            lambda: [of.upper()],
            lambda: [of.replace(b"tb_v", b"tb_V")],
            lambda: [of.replace(b"=", b" =", 1)],
            lambda: [b"x" + of],
            lambda: [b"x=" + of],
            lambda: [b'x="; ' + of + b'; y"'],
            lambda: [of, b"tb_s="],
            lambda: [b"tb_v=", of],
            lambda: [of, b"tb_x=1"],
            lambda: [of, self._preview],
            lambda: [of, b"tb_p=forged"],
            lambda: [b"__Host-" + of],
            lambda: [of, *(b"c%d=%d" % (n, n) for n in range(100))],
            lambda: [of.replace(b"=", b"= ", 1)],
            lambda: [of + b" "],
            lambda: [of, self._vip[number] + b"\t"],
            lambda: [self._vip[number], b"a=b", of],
            lambda: [of, b"a=b", self._vip[number], b"a=" + of],
        )
        pairs = kinds[dice.randrange(4 if dice.random() < 0.6 else len(kinds))]()
        if dice.random() < 0.25:
            pairs.insert(dice.randrange(len(pairs) + 1), b"shop=" + token(number))
        if dice.random() < 0.3:
            pairs.insert(dice.randrange(len(pairs) + 1), b"_ga=GA1.%d" % dice.randrange(1_000))
        if dice.random() < 0.2:
            pairs.insert(dice.randrange(len(pairs) + 1), dice.choice(OTHERS))
        if dice.random() < 0.03:
            pairs.insert(dice.randrange(len(pairs) + 1), b"big=" + b"z" * dice.choice((4_000, 7_000, 8_300)))
        if dice.random() < 0.03:
            pairs += [b"c%d=1" % n for n in range(300)]
        return dice.choice((*[b"; "] * 24, b";", b" ; ", b";\t", b";; ", b", ")).join(pairs)


def token(number: int) -> bytes:
    """The word of the visitor of that number."""
    return b"tok-%d-end" % number


def _with_cookie(fields: Sequence[Field], cookie: bytes) -> Sequence[Field]:
    filled = [(name, value.replace(COOKIES, cookie)) for name, value in fields]
    return [field for field in filled if cookie or field[0].lower() != b"cookie"]


def _head(method: bytes, path: bytes, fields: Sequence[Field], version: bytes = b"HTTP/1.1") -> bytes:
    lines = [b"%b %b %b" % (method, path, version), *(b"%b: %b" % each for each in fields)]
    return b"\r\n".join(lines) + b"\r\n\r\n"
