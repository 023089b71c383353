"""Which pages are fetched twice before they are stored, to see whether both fetches bring the same.

If the origin itself says how long a page may be shared, that is trusted. If the lifetime is only the operator's, or a
guess, the page might have something that is new each time, as a token under an unknown name. So the first time two
fetches are compared. After the first few of a kind (a pattern of the policy, or a folder of the shop) only some pages
are, so that the origin does not get twice the requests for ever.
"""

from __future__ import annotations

from collections import Counter

from proxy.memo import make_room
from proxy.rulebook.policy import PagePolicy
from proxy.settings import Settings

MOST_PAGES = 50_000
ENOUGH_OF_A_KIND = 20
THEN_ONE_IN = 20
MOST_KINDS = 1_000


class Comparing:
    """Remembers the newest `MOST_PAGES` pages found equal. The setting `compare_pages` says which are compared."""

    def __init__(self, settings: Settings) -> None:
        self._which = settings.compare_pages
        self._agreed: dict[int, None] = {}  # hashes of keys: these may be 8 kB long
        self._kinds: Counter[str] = Counter()

    def must_compare(
        self, key: bytes, path: bytes, policy: PagePolicy | None, *, is_said: bool, status: int = 200
    ) -> bool:
        """Whether the page has to be fetched a second time before it is stored. `is_said`: the origin gives a lifetime,
        or the operator, who does so for what was found (status 200)."""
        if self._which == "none" or (policy is not None and not policy.is_compared) or hash(key) in self._agreed:
            return False
        is_the_origins_word = is_said and (status != 200 or policy is None or policy.overrides.fresh_seconds is None)
        if self._which == "unsaid" and is_the_origins_word:
            return False
        is_its_turn = self._is_its_turn(policy.pattern if policy else path.split(b"/")[1].decode("latin-1"))
        if not is_its_turn:
            self.agreed(key)  # as others of its kind; it is not compared later
        return is_its_turn

    def _is_its_turn(self, kind: str) -> bool:
        if len(self._kinds) >= MOST_KINDS:
            self._kinds.clear()
        self._kinds[kind] += 1
        return self._kinds[kind] <= ENOUGH_OF_A_KIND or self._kinds[kind] % THEN_ONE_IN == 0

    def agreed(self, key: bytes) -> None:
        """Records that two fetches brought the same page."""
        make_room(self._agreed, MOST_PAGES)
        self._agreed[hash(key)] = None

    def forget(self) -> None:
        """Forgets everything, for a new policy."""
        self._agreed.clear()
        self._kinds.clear()
