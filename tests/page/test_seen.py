from __future__ import annotations

import turbohtml

from proxy.page.seen import SeenAt, seen_at


def test_a_place_is_an_elements_path_its_attribute_and_its_line() -> None:
    document = turbohtml.parse("<body>\n<form>\n<input value=x>", source_locations=True)
    element = document.select("input")[0]
    assert str(seen_at(element, "value")) == "html > body > form > input@value, line 3"
    assert str(seen_at(element)) == "html > body > form > input, line 3"
    assert str(SeenAt("Content-Security-Policy")) == "Content-Security-Policy"
