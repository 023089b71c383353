"""What visitors did after they met a rule or an experiment, counted over all of a store's log."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.audience.results import Results
from proxy.model import Holdout
from proxy.ports import Store
from proxy.stores.logs import logs


async def counted(store: Store, holdouts: Sequence[Holdout], since: float, until: float) -> Results:
    """Everybody in the log, by choices met from `since` until before `until`. May raise `StoreError`."""
    results = Results(holdouts, since, until)
    async for person in logs(store):
        results.add(person.arrivals, person.bucket_key)
    for comparison in results.of.values():
        comparison.sum_up()
    return results
