"""What each token of the studio lets one do."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from proxy.stores.versions import Versions
from proxy.studio.app import create_studio
from proxy.studio.roles import Others, Role
from tests.studio.test_app import TOKEN, Shop

WRITER, READER = "writers-long-token", "readers-long-token"
FORM = {"origin": "https://admin.example"}
WRITES = [("POST", "/file")]
PUBLISHES = [("POST", path) for path in ("/plan", "/versions/live", "/versions/approved", "/pause", "/resume")]
MORE = [("POST", f"/api/{name}") for name in ("export", "erase", "purge", "products")]


def test_a_token_has_one_role_and_an_empty_one_none() -> None:
    others = Others(READER, WRITER)
    assert [others.role_of(each.encode()) for each in (WRITER, READER, TOKEN, "")] == [
        Role.WRITER,
        Role.READER,
        None,
        None,
    ]
    assert Others().role_of(b"") is None


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize(("method", "path"), [*WRITES, *PUBLISHES, *MORE, ("PUT", "/file/"), ("GET", "/plan")])
def test_a_writer_may_write_and_ask_where_somebody_must_approve_and_nothing_else(
    asks: bool, method: str, path: str
) -> None:
    others = Others(READER, WRITER, writers_ask=asks)
    may = method == "GET" or path == "/file" or (path == "/plan" and asks)
    assert others.may(Role.WRITER, method, path) == may
    assert others.may(Role.OWNER, method, path)
    assert others.may(Role.READER, method, path) == (method == "GET")


async def test_a_writer_saves_a_draft_and_is_refused_to_publish_or_pause_it(tmp_path: Path) -> None:
    site = Shop(versions=Versions(tmp_path))
    app = create_studio(site, token=TOKEN, others=Others(READER, WRITER), may_write=True)
    saved = {"do": "save", "name": "new.rules.yaml", "text": "version: 1\nrules: []\n", "mark": ""}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://admin.example", verify=False
    ) as client:
        answers = {
            path: await client.post(path, data=fields, headers=FORM, auth=("Kim", WRITER))
            for path, fields in (
                ("/file", saved),
                ("/plan", {"message": "mine", "compared": ""}),
                ("/versions/live", {"number": "1"}),
                ("/versions/approved", {"number": "1"}),
                ("/pause", {"what": "everything"}),
            )
        }
        assert (await client.post("/file", data=saved, headers=FORM, auth=("Lee", READER))).status_code == 403
    assert answers.pop("/file").status_code in (200, 303) and (tmp_path / "new.rules.yaml").exists()
    assert {answer.status_code for answer in answers.values()} == {403}
    assert "with this token one may write drafts" in answers["/plan"].text
    assert not site.versions.history()
    assert not site.versions.pauses()
