"""The products in the lists of a page, as the shop sends it to a stranger: the studio's *Why?* needs them to tell where
each product goes. The shop is asked each time, since it is chance which worker keeps the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from proxy.http.body import read_whole
from proxy.http.message import Request
from proxy.metrics import Metrics
from proxy.rulebook.compile import Publication
from proxy.serve.reading import PageReader
from proxy.settings import Settings
from proxy.upstream.asking import Asking

_AS_A_BROWSER = ((b"accept", b"text/html,*/*"),)


class PageLists:
    """Asks for pages and reads them as the proxy does; nothing of it is kept or counted."""

    def __init__(self, asking: Asking, settings: Settings) -> None:
        self._asking = asking
        self._settings = settings

    async def of(self, page: Request, publication: Publication) -> Mapping[str, Sequence[str]]:
        """Products by the list's name, in the shop's order; empty for a page without lists, or too large a one. Raises
        `OriginError`."""
        answer = await self._asking.for_everybody(replace(page, headers=_AS_A_BROWSER), ())
        try:
            most_bytes, most_ms = self._settings.max_page_bytes, self._settings.page_timeout_ms
            body = await read_whole(answer, most_bytes=most_bytes, most_ms=most_ms)
        finally:
            await answer.aclose()
        if not isinstance(body, bytes):
            return {}
        reader, policy = PageReader(Metrics(), self._settings), publication.policy.of(page.path, page.query)
        read = await reader.read(body, answer.headers, page.path, publication.declared, policy)
        lists = read.template.lists.items() if read.template else ()
        return {read.template.slots[place]: cards.products for place, cards in lists if read.template}
