"""The rules of the storefront, with such beside them as ask what visitors did: most shops have some."""

from __future__ import annotations

import re
from collections.abc import Mapping

BEHAVIOUR = b"""\
version: 1
timezone: Europe/Amsterdam
segments:
  Good customers:
    description: Bought often, spent well
    when: {orders in the last 365 days: at least 4, lifetime spend: at least 500 EUR}
  Trail runners:
    description: Looked at trail shoes
    when:
      any of:
        - viewed: {category: shoes/trail, times: at least 3, within: 14 days}
        - bought: {category: shoes/trail, within: 30 days}
journey:
  awareness: everyone
  interest: {pages viewed: at least 3}
  intent: {added to cart: {within: 14 days}}
  purchase: {orders: at least 1}
rules:
  - name: Customers
    slot: home.hero
    when: {segment: Good customers}
    show: {banner: {title: Welcome back}}
  - name: Trails
    slot: home.hero
    when: {segment: Trail runners}
    show: {banner: {title: Trails}}
  - name: Tents
    slot: home.hero
    when: {searched: {for: contains tent, within: 7 days}}
    show: {banner: {title: Tents}}
  - name: Readers
    slot: home.story
    when: {opened: {page: starts with /blog, times: at least 2, within: this visit}}
    show: {banner: {title: More to read}}
  - name: Northwind
    slot: home.story
    when: {bought: {brand: Northwind, within: 90 days}, visits: at least 3}
    show: {banner: {title: New of Northwind}}
  - name: Cart
    slot: home.row
    when: {cart total: at least 20 EUR, days since last visit: between 1 and 7}
    show: {banner: {title: Your cart}}
  - name: Buyers
    slot: all.topbar
    when: {journey stage: purchase}
    show: {banner: {title: Thank you}}
"""


def with_behaviour(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The folder with rules that ask what visitors did, as a shop's have: each is put to every visitor, and true of
    none; and with a limit on the rules of the first slot, which nobody reaches. So pages stay what they are."""
    home, limit = files["home.rules.yaml"], b"    limit: at most 100000 times per visitor per day\n"
    limited = re.sub(rb"  - name: Slot 0 variant \d\n", lambda name: name[0] + limit, home)
    return {**files, "home.rules.yaml": limited, "behaviour.rules.yaml": BEHAVIOUR}
