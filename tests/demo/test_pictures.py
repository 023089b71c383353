from __future__ import annotations

from xml.etree import ElementTree

import pytest

from proxy.demo.catalogue import load
from proxy.demo.pictures import pictures

ITEMS = load().items
PICTURES = pictures(ITEMS)


def test_every_product_has_a_picture_of_the_size_the_catalogue_states() -> None:
    for item in ITEMS:
        drawn = ElementTree.fromstring(PICTURES[item.image])
        assert (drawn.get("width"), drawn.get("height")) == (str(item.image_width), str(item.image_height))


@pytest.mark.parametrize("name", ["mountains", "forest", "coast", "camp", "table", "kitchen", "sale", "winter"])
def test_the_scenes_for_banners_are_wide(name: str) -> None:
    scene = ElementTree.fromstring(PICTURES[f"/img/hero-{name}.svg"])
    assert (scene.get("width"), scene.get("height")) == ("1200", "400")


def test_a_shape_takes_the_colour_it_is_sold_in() -> None:
    assert b"#5b7a55" in PICTURES["/img/SKU-1042.svg"]
    assert b"#75527f" in PICTURES["/img/SKU-1043.svg"]
    assert PICTURES["/img/SKU-1042.svg"] != PICTURES["/img/SKU-1043.svg"]


def test_no_picture_brings_script_or_fetches_anything() -> None:
    for svg in PICTURES.values():
        assert b"<script" not in svg
        assert b"href" not in svg
        assert svg.count(b"http") == svg.count(b"http://www.w3.org/2000/svg")
