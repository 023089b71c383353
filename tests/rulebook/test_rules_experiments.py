"""Experiments, as they are read, and what their arms show."""

from __future__ import annotations

import pytest

from proxy.decide.engine import decide
from proxy.model import Arm, EvaluationContext, Experiment, Reason, Rule
from tests.rulebook.conftest import Publish

HEAD = "experiments:\n  - name: Bar\n    slot: all.topbar\n    "
TWO = "variants: [{name: control, show: nothing new}, {name: new, show: {banner: promo}}]"
SIXTY = TWO.replace("control,", "control, share: 60%,")
SOME = "write one of: visitor, country, region, city, device, "
WORDS = "write one of: name, slot, priority,"


def rule(publish: Publish, *lines: str) -> Rule:
    loaded = publish(HEAD + "\n    ".join(lines))
    assert loaded.publication is not None, loaded.findings
    return loaded.publication.rules[0]


def test_an_experiment_is_a_rule_with_arms(publish: Publish) -> None:
    read = rule(
        publish,
        "when: {orders: at least 1}",
        "split by: visitor",
        "variants:",
        "  - {name: control, share: 50%, show: nothing new}",
        "  - {name: promo, share: 30%, show: {banner: promo}}",
        "goal: order completed",
        "guardrails: [page load time, bounce]",
        "run for: at least 2 weeks",
        "priority: high",
        "limit: once per day",
        "rollout: 10%",
        "layer: campaigns",
    )
    arms = (Arm("control", 5_000), Arm("promo", 3_000, "Bar / promo"))
    assert read.experiment == Experiment(arms, "", "order completed", ("page load time", "bounce"), 14)
    assert (read.priority, read.layer, len(read.caps), len(read.draws)) == (80, "campaigns", 1, 1)


@pytest.mark.parametrize(
    ("many", "shares"), [(2, [5_000, 5_000]), (3, [3_334, 3_333, 3_333]), (7, [1_429] * 4 + [1_428] * 3)]
)
def test_without_shares_the_parts_are_equal_and_leave_nobody_out(
    many: int, shares: list[int], publish: Publish
) -> None:
    variants = ", ".join(f"{{name: v{place}, show: nothing new}}" for place in range(many))
    experiment = rule(publish, f"variants: [{variants}]").experiment
    assert experiment and [arm.share for arm in experiment.arms] == shares and sum(shares) == 10_000


def test_an_arms_fragment_names_its_experiment_and_arm(publish: Publish) -> None:
    loaded = publish(HEAD + TWO)
    assert loaded.publication is not None, loaded.findings
    html = b"".join(getattr(part, "plain", b"") for part in loaded.publication.fragments["Bar / new"].parts)
    assert b'data-tb-rule="Bar" data-tb-variant="new"' in html
    decided = {
        (decision.arm, decision.variant, decision.reason)
        for key in map(str, range(50))
        for decision in decide(loaded.publication.plan, EvaluationContext(key)).values()
    }
    assert decided == {("control", "", Reason.SPLIT), ("new", "Bar / new", Reason.SPLIT)}


def test_an_experiment_may_be_split_by_a_text_attribute(publish: Publish) -> None:
    experiment = rule(publish, "split by: city", TWO).experiment
    assert experiment and experiment.split_by == "city"


@pytest.mark.parametrize("word", ["city", "region", "country", "time zone"])
def test_all_who_are_in_one_place_may_be_shown_the_same_variant(word: str, publish: Publish) -> None:
    loaded = publish(HEAD + f"split by: {word}\n    " + TWO, **{"attributes.yaml": "attributes: {orders: number}"})
    assert loaded.publication is not None, loaded.findings
    (experiment,) = loaded.publication.rules
    assert experiment.experiment and experiment.experiment.split_by == word


@pytest.mark.parametrize(
    ("lines", "code", "help"),
    [
        (SIXTY.replace("new,", "new, share: 60%,"), "R204", "make them 100 % or less together"),
        (SIXTY, "R103", "give each variant a share, or none of them, for equal parts"),
        (TWO.replace("control", "new"), "R201", "give one of them another name"),
        ("variants: []", "R104", "write two or more, each with a name"),
        ("variants: control", "R104", "begin each part with a dash and a space"),
        (TWO + "\n    goal: order complted", "R304", 'did you mean "order completed"?'),
        (TWO + "\n    guardrails: bounse", "R304", 'did you mean "bounce"?'),
        (TWO + "\n    run for: a while", "R304", "write: 14 days, or: at least 14 days"),
        (TWO + "\n    split by: orders", "R304", SOME),
        (TWO + "\n    split by: weekday", "R304", SOME),
        (TWO + "\n    split by: hours there", "R304", SOME),
        (TWO + "\n    show: nothing new", "R101", WORDS),
        (TWO.replace("promo}", "prommo}"), "R501", 'did you mean "promo"?'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_reported(lines: str, code: str, help: str, publish: Publish) -> None:
    (finding,) = publish(HEAD + lines).findings
    assert finding.code == code and finding.help.startswith(help), finding
