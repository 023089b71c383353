"""Results as the studio keeps them."""

from __future__ import annotations

from proxy.audience.results import ORDER, Comparison, Tally
from proxy.audience.stored_results import PackedResults


def test_what_was_packed_is_unpacked_rule_by_rule_and_in_parts() -> None:
    bar, sale = (Comparison({"shown": Tally(number, {ORDER: 1})}, began=5.0) for number in (3, 4))
    packed = PackedResults.of(9, {"Bar": bar, "Sale": sale}, {"Bar": {"phone": sale}})
    assert packed.comparisons() == {"Bar": bar, "Sale": sale} and packed.comparisons("Sale") == {"Sale": sale}
    assert packed.parts_of("Bar") == {"phone": sale} and packed.parts_of("Sale") == packed.comparisons("Gone") == {}
