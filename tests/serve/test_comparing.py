from __future__ import annotations

import pytest

from proxy.httpcache.overrides import CacheOverrides
from proxy.rulebook.policy import PagePolicy
from proxy.serve.comparing import ENOUGH_OF_A_KIND, Comparing
from proxy.settings import Settings

OURS = PagePolicy("/*", CacheOverrides(fresh_seconds=60))
NOT_OURS = PagePolicy("/*")


def comparing(which: str = "unsaid") -> Comparing:
    return Comparing(Settings(compare_pages=which))


@pytest.mark.parametrize(
    ("which", "policy", "is_said", "expected"),
    [
        ("unsaid", None, True, False),
        ("unsaid", None, False, True),
        ("unsaid", OURS, True, True),
        ("unsaid", NOT_OURS, True, False),
        ("all", None, True, True),
        ("none", OURS, False, False),
        ("all", PagePolicy("/*", CacheOverrides(fresh_seconds=60), is_compared=False), True, False),
    ],
)
def test_a_page_is_compared_unless_its_origin_said_how_long_it_lives(
    which: str, policy: PagePolicy | None, is_said: bool, expected: bool
) -> None:
    assert comparing(which).must_compare(b"k", b"/a", policy, is_said=is_said) is expected


def test_a_page_that_agreed_is_not_compared_again_until_the_policy_is_another() -> None:
    one = comparing()
    one.agreed(b"k")
    assert not one.must_compare(b"k", b"/a", OURS, is_said=True)
    one.forget()
    assert one.must_compare(b"k", b"/a", OURS, is_said=True)


def test_of_many_pages_of_a_kind_a_few_are_compared() -> None:
    one = comparing()
    compared = sum(one.must_compare(b"%d" % number, b"/c/x", OURS, is_said=True) for number in range(1_000))
    assert ENOUGH_OF_A_KIND < compared < 100
    assert one.must_compare(b"k", b"/other/x", None, is_said=False)
    again = [one.must_compare(b"%d" % (number + 500), b"/c/x", OURS, is_said=True) for number in range(500)]
    assert sum(again) < 50  # only those whose turn it was, and who have not said yet that they agreed
