from __future__ import annotations

import turbohtml

from proxy.page.markup import Location, location_of


def test_a_place_is_an_elements_path_its_attribute_and_its_line() -> None:
    document = turbohtml.parse("<body>\n<form>\n<input value=x>", source_locations=True)
    element = document.select("input")[0]
    assert str(location_of(element, "value")) == "html > body > form > input@value, line 3"
    assert str(location_of(element)) == "html > body > form > input, line 3"
    assert str(Location("Content-Security-Policy")) == "Content-Security-Policy"
