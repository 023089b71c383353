"""The settings of the site come first in the table of all, in their own order."""

from __future__ import annotations

import dataclasses

from proxy.settings import rows
from proxy.site_settings import SiteSettings


def test_all_settings_begin_with_those_of_the_site() -> None:
    own = [field.name for field in dataclasses.fields(SiteSettings)]
    assert [row.name for row in rows()][: len(own)] == own
    assert {"store", "secret", "webhooks"}.issubset(own)
