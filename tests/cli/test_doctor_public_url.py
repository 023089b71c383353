from __future__ import annotations

from pathlib import Path

from tests.cli.test_doctor import doctor, healthy
from tests.wire.origin import Origin, Seen, ok
from tests.wire.site import answering


async def test_the_origin_is_asked_as_the_shop_that_visitors_see(tmp_path: Path) -> None:
    """WordPress, whose settings name its public address, redirects whoever asks at another (`redirect_canonical`)."""

    def say(seen: Seen) -> bytes:
        if seen.get(b"host") != b"www.shop.example":
            return ok(b"", b"Location: https://www.shop.example" + seen.target, status=b"301 Moved Permanently")
        is_secure = seen.get(b"x-forwarded-proto") == b"https"
        return healthy() if is_secure and b"*/*" in (seen.get(b"accept") or b"") else ok(b"", status=b"406 x")

    (tmp_path / "home.rules.yaml").write_text(
        "rules: [{name: A, slot: home.hero, show: {banner: {title: Hi, button: Go, link: /sale}}}]"
    )
    async with Origin(answering(say)) as origin:
        refused = await doctor(origin.url + "/")
        asked = await doctor(origin.url + "/", "--public-url", "https://www.shop.example", "--rules", str(tmp_path))
        wrong = await doctor(origin.url + "/", "--public-url", "shop")
    assert refused.exit_code == 1 and "give doctor --public-url https://www.shop.example; else" in refused.output
    assert asked.exit_code == 0 and "ok    links" in asked.output
    assert wrong.exit_code == 2 and "`shop` is no address, as https://shop.example" in wrong.output
