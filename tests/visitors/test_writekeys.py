from __future__ import annotations

from base64 import b64encode

import pytest

from proxy.errors import OperatorError
from proxy.events.intake import Access
from proxy.settings import Settings
from proxy.visitors.writekeys import BROWSER, Source, WriteKeys, key_in

LONG = "6f3a9c0012ab34cd56ef"
KEYS = WriteKeys(Settings(write_keys=(f"shop:server:{LONG}", "site:public:pk_1", "app:trusted:pk:2")))


def test_a_key_says_which_source_it_is_and_what_it_may_do() -> None:
    assert KEYS.source(LONG) == Source("shop", Access.SERVER)
    assert KEYS.source("pk_1") == Source("site", Access.PUBLIC)
    assert KEYS.source("pk:2") == Source("app", Access.TRUSTED)


@pytest.mark.parametrize("key", ["", "pk_", "pk_11", "shop", LONG.upper(), "\ud800"])
def test_any_other_key_is_nobodys(key: str) -> None:
    assert KEYS.source(key) is None


def test_a_source_is_found_by_its_name() -> None:
    assert KEYS.named("shop") == Source("shop", Access.SERVER)
    assert KEYS.named("browser") == BROWSER
    assert KEYS.named("gone") is None


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("", "is not NAME:KIND:KEY"),
        ("Shop:server:" + LONG, "is called `Shop`"),
        ("import:server:" + LONG, "is called `import`"),
        ("browser:public:x", "is called `browser`"),
        ("shop:sever:" + LONG, "is `sever`"),
        ("shop:server", "is not NAME:KIND:KEY"),
        ("6f3a9cabcdef0123456789", "is not NAME:KIND:KEY"),
        ("shop:server:short", "shorter than 16"),
        ("shop:public:", "shorter than"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_with_help(row: str, problem: str) -> None:
    with pytest.raises(OperatorError, match=problem) as refusal:
        WriteKeys(Settings(write_keys=(row,)))
    assert refusal.value.help


@pytest.mark.parametrize(
    ("field", "key"),
    [
        (b"Basic " + b64encode(b"pk_1:"), "pk_1"),
        (b"basic " + b64encode(b"pk_1"), "pk_1"),
        (b"Bearer pk_1", "pk_1"),
        (b"Basic !!!", ""),
        (b"Basic", ""),
        (b"Digest x", ""),
        (b"", ""),
    ],
)
def test_a_key_comes_as_basic_or_bearer(field: bytes, key: str) -> None:
    assert key_in(field) == key
