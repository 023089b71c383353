"""The interfaces between calculation and IO. Implementations: `stores/`, `serve/origin.py`; one contract suite
per port under `tests/contracts/`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from proxy.model import Headers, Profile, View


class ProfileStore(Protocol):
    """Profiles by visitor id. Any method may raise `StoreError`; nothing here retries or waits longer than the
    implementation's own timeout, the caller sets the budget."""

    async def get_profile(self, visitor_id: str) -> Profile | None:
        """The stored profile, or None when the visitor is unknown. Checks that the value is of that visitor."""

    async def put_profiles(self, profiles: Iterable[Profile]) -> int:
        """Stores each profile whole, replacing what was there, in one transaction where the store has them.
        Returns how many were new or differed."""

    async def attribute_names(self) -> frozenset[str]:
        """Every attribute name an import or event has brought, so that `check` knows it."""

    async def is_ready(self) -> bool:
        """True when a read would be answered now."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""


class ViewLog(Protocol):
    """The page views recorded last, in order. Any method may raise `StoreError`."""

    async def put_views(self, views: Sequence[View], *, most: int) -> None:
        """Adds views to the end; of all that are kept, only the last `most` stay."""

    async def get_views(self, most: int) -> list[View]:
        """The last `most` views, the oldest first. One that cannot be read is left out."""

    async def erase_views(self, visitor_id: str) -> int:
        """Forgets every view of that visitor; how many those were."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """A request as it goes to the origin: already rebuilt or allow-listed by `serve/forwarding.py`.
    `target` is path and query in wire form. `body` is None when there is none; `content_length` None streams
    it chunked. Content-Length and Transfer-Encoding are the transport's to write and must not be in `headers`."""

    method: bytes
    target: bytes
    headers: Headers
    body: AsyncIterator[bytes] | None = None
    content_length: int | None = None


@dataclass(slots=True)
class UpstreamResponse:
    """An answer whose head has arrived. `body` yields raw bytes as sent (still content-coded) and raises
    `OriginError` when it breaks off early; `aclose` must be awaited in every case and may be awaited twice.
    `is_bounded` is False when only the origin's closing ends the body, so that a cut cannot be told from an end."""

    status: int
    headers: Headers
    body: AsyncIterator[bytes]
    is_bounded: bool = True

    async def aclose(self) -> None:
        close = getattr(self.body, "aclose", None)
        if close is not None:
            await close()


class Transport(Protocol):
    """How bytes get to one origin and back. Keeps no memory of visitors: no jar, no auth cache, no environment."""

    async def fetch(self, request: UpstreamRequest) -> UpstreamResponse:
        """Sends the request, waits for the final response head. Raises `OriginError`. Never retries a request
        whose first byte may have reached the origin, unless the method is safe to repeat and the connection was
        a reused one that closed without an answer."""

    async def aclose(self) -> None:
        """Closes idle connections and refuses new work."""
