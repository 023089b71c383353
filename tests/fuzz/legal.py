"""Which answers of an origin a shared cache may give to a request: RFC 9111, 5861 and 9213 once more, from the texts
and in as few lines as will do, for whatever this cache does to be judged by. Times are Unix seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

Control = Mapping[str, int]
"""The directives of a field; those that take no number are 1."""

Moment = tuple[float, int]
"""A time, and a number that tells apart what happens at the same time."""

BY_PRECEDENCE = ("cdn-cache-control", "surrogate-control", "cache-control")
DOWN_SECONDS, STALE_SECONDS = 2.0, 3_600.0
"""How long a failed origin is left alone, and for how long what is stale may then stand in: settings, as they come."""


@dataclass
class Said:
    """What an answer says of itself. `controls` are its directives, by field."""

    controls: Mapping[str, Control]
    vary: tuple[str, ...] = ()
    date: int | None = None
    expires: int | None = None
    age: int = 0
    sets_cookie: bool = False

    @property
    def control(self) -> Control:
        """The directives that count (RFC 9213 2.2)."""
        return next((self.controls[name] for name in BY_PRECEDENCE if name in self.controls), {})

    @property
    def is_for_one(self) -> bool:
        """Whether nobody may have it but who asked (RFC 9111 3); answers that set cookies are never shared here."""
        control = self.control
        return bool(
            control.get("private") or control.get("no-store") or self.sets_cookie or {"*", "cookie"} & set(self.vary)
        )

    def lifetime(self, received: float) -> float:
        """RFC 9111 4.2.1, without guesses."""
        control = self.control
        if "s-maxage" in control or "max-age" in control:
            return control.get("s-maxage", control.get("max-age", 0))
        if self.expires is None or self.controls.keys() - {"cache-control"}:
            return 0
        return max(0, self.expires - (received if self.date is None else self.date))

    def age_at(self, now: float, asked: float, received: float) -> float:
        """RFC 9111 4.2.3."""
        apparent = 0 if self.date is None else max(0, int(received) - self.date)
        return max(apparent, self.age + received - asked) + now - received


@dataclass
class Made:
    """An answer that the origin made. `told` are the fields it was asked with, `own_id` the request it is for if it was
    told that; `confirmed` when it was asked and when it answered, and what it said then: at first, and whenever it had
    not changed."""

    path: str
    status: int
    said: Said
    told: Mapping[str, str]
    own_id: str
    confirmed: list[tuple[Moment, Moment, Said]] = field(default_factory=list)


@dataclass
class Judge:
    """Knows what was made, by number, and what happened: which of it the origin itself gave to which request, when
    pages were declared out of date (from when, known to all since when, softly?), and when the origin failed."""

    made: dict[int, Made] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)
    declared: dict[str, list[tuple[Moment, Moment, bool]]] = field(default_factory=lambda: defaultdict(list))
    failed: dict[str, list[Moment]] = field(default_factory=lambda: defaultdict(list))

    def why_not(
        self, path: str, fields: Mapping[str, str], own_id: str, begun: Moment, ended: Moment, number: int
    ) -> str:
        """Why this request should not have been given that answer; "" if it may."""
        made = self.made[number]
        if made.path != path:
            return f"it is of {made.path}"
        if self.given.get(own_id) == number:
            return ""
        if made.own_id:
            return f"it was made for {made.own_id} alone"
        if made.said.is_for_one or made.status in (401, 403):
            return "" if made.confirmed[0][1][1] > begun[1] else "it was for who asked first"
        for name in made.said.vary:
            if name != "accept-encoding" and made.told.get(name, "") != fields.get(name, ""):
                return f"it is for {name} {made.told.get(name)}"
        why = [self._why_not_now(path, begun, ended, *each) for each in made.confirmed if not each[2].is_for_one]
        return "" if "" in why else "; ".join(why)

    def _why_not_now(self, path: str, begun: Moment, ended: Moment, asked: Moment, sent: Moment, said: Said) -> str:
        now, control = begun[0], said.control
        over = said.age_at(now, asked[0], sent[0]) - said.lifetime(sent[0])
        for since, known, is_soft in self.declared[path]:
            if asked < since and known < begun:
                if not is_soft:
                    return "it was declared out of date"
                over = max(over, now - since[0])
        if sent[1] > begun[1]:
            return ""
        if control.get("no-cache"):
            return "it says no-cache"
        if over < 0:
            return ""
        if control.get("must-revalidate") or control.get("proxy-revalidate"):
            return f"stale by {over}, and must be revalidated"
        longest = control.get("stale-if-error", 0 if "s-maxage" in control else STALE_SECONDS)
        if over <= longest and any(now - DOWN_SECONDS <= at[0] and at < ended for at in self.failed[path]):
            return ""
        return "" if over < control.get("stale-while-revalidate", 0) else f"stale by {over}, of {control}"
