from __future__ import annotations

import pytest

from proxy.page.markup import inspect


@pytest.mark.parametrize(
    ("html", "framework"),
    [
        (b'<div id="__next"></div>', "Next.js"),
        (b'<script id="__NEXT_DATA__" type="application/json">{}</script>', "Next.js"),
        (b"<script>self.__next_f.push([1])</script>", "Next.js"),
        (b'<div id="__nuxt"></div>', "Nuxt"),
        (b"<script>window.__NUXT__={}</script>", "Nuxt"),
        (b'<div id="___gatsby"></div>', "Gatsby"),
        (b"<script>window.__reactRouterContext = {}</script>", "React Router"),
        (b"<main data-reactroot><p>x</p></main>", "React"),
        (b"<p>Added <!-- -->0</p>", "React"),
        (b'<meta charSet="utf-8"/><div id="app"><p>x</p></div><script src="/vendor.js"></script>', "React"),
        (b'<div data-server-rendered="true"></div>', "Vue"),
        (b"<ul><!--[--><li>x</li><!--]--></ul>", "Vue or Svelte"),
        (b"<!--[--><p>x</p><!--]--><script>{ __sveltekit_1x2y = {} }</script>", "SvelteKit"),
        (b'<app-root ng-version="21.2.24" ngh="1"><p>x</p></app-root>', "Angular"),
        (b"<main data-hk=1><!--$--><p>x</p><!--/--></main><script>(self._$HY={})</script>", "Solid"),
        (b"<astro-island><button>Added <!-- -->0</button></astro-island>", "Astro"),
        (b'<div id="app"></div><script type="module" src="/app.js"></script>', "React or Vue"),
    ],
)
def test_a_hydrated_page_is_known_by_what_its_framework_leaves_in_it(html: bytes, framework: str) -> None:
    assert inspect(html).framework.name == framework


@pytest.mark.parametrize(
    "html",
    [
        b'<div id="app"></div><script src="/jquery.js"></script>',
        b'<meta charset="utf-8"><div id="root"></div><script src="/jquery.js"></script>',
        b"<p>Our shop runs on Next.js and Vue</p>",
        b'<!-- <div id="__next"></div> --><p>x</p>',
    ],
)
def test_a_page_that_only_resembles_a_hydrated_one_is_not_taken_for_it(html: bytes) -> None:
    assert inspect(html).framework.name == ""


def test_slots_without_the_helpers_mark_are_plain_in_page_order() -> None:
    html = b"""<tb-slot name="all.topbar">a</tb-slot><div data-slot="home.hero" data-tb-raw="">b</div>
        <div data-slot="home.extras">c</div><script>'<div data-slot="decoy">'</script>"""
    assert inspect(html).plain_slots == ("all.topbar", "home.extras")


def test_slots_between_the_islands_of_astro_stay_as_they_are() -> None:
    html = b"""<div data-slot="home.hero">a</div><astro-island><div data-slot="home.row">b</div></astro-island>"""
    assert inspect(html).plain_slots == ("home.row",)


@pytest.mark.parametrize(
    ("html", "part"),
    [
        (b'<div id="app"><p>Added <!-- -->0</p></div>', "`#app`"),
        (b'<div id="root"><div id="app"><p>Added <!-- -->0</p></div></div>', "`#root`"),
        (b"<p>Added <!-- -->0</p>", "the page"),
        (b'<div id="app"></div><script>self.__next_f.push([1])</script>', "the page"),
        (b"<astro-island><button>Added <!-- -->0</button></astro-island>", "`astro-island`"),
    ],
)
def test_what_a_framework_renders_again_is_its_root_where_the_page_has_one(html: bytes, part: str) -> None:
    assert inspect(html).framework.part == part


def test_slots_beside_the_root_stay_as_they_are() -> None:
    html = b"""<div data-slot="all.topbar">a</div><div id="root"><div data-slot="home.hero">b <!-- -->1</div></div>"""
    assert inspect(html).plain_slots == ("home.hero",)


def test_charset_and_policies_are_read_from_meta_elements() -> None:
    html = b"""<meta charset="UTF-8"><meta http-equiv="Content-Security-Policy" content="default-src 'self'">"""
    assert inspect(html).charset == "utf-8"
    assert inspect(html).policies == ("default-src 'self'",)


@pytest.mark.parametrize(
    ("html", "is_shell"),
    [
        (b"<app-root> </app-root><noscript>Turn it on</noscript><style>p{}</style><script>let x</script>", True),
        (b"<div id=app></div><script type=module src=/a.js></script><noscript><p>Turn it on</p></noscript>", True),
        (b"<app-root><p>Tents</p></app-root><script src=/a.js></script>", False),
        (b"<img src=/a.png><script src=/a.js></script>", False),
        (b"<p></p>", False),
    ],
)
def test_a_page_with_nothing_to_see_but_by_its_scripts_is_a_shell(html: bytes, is_shell: bool) -> None:
    assert inspect(html).is_shell is is_shell
