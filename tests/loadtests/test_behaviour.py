from __future__ import annotations

from loadtests.behaviour import with_behaviour
from loadtests.storefront import SLOTS, storefront
from proxy.decide.engine import decide
from proxy.model import EvaluationContext
from proxy.rulebook.compile import load


def test_rules_that_ask_what_visitors_did_leave_pages_what_they_are() -> None:
    files = storefront(60).files
    plain, asking = load(files).publication, load(with_behaviour(files)).publication
    assert plain is not None and asking is not None
    asked = asking.plan.inputs_of(SLOTS)
    assert len(asked.measures) >= 10 and asked.caps and not plain.plan.inputs_of(SLOTS).measures
    for attributes in ({"segment": frozenset({"g00", "g11"})}, {"pages viewed": 9.0, "orders": 0.0}):
        context = EvaluationContext("anna", 1_795_435_200.0, attributes)
        here, there = (
            {slot: said.variant for slot, said in decide(one.plan, context, SLOTS).items()} for one in (plain, asking)
        )
        assert here == there
