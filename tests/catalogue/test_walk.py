from __future__ import annotations

from proxy.catalogue.covisits import Covisits
from proxy.catalogue.walk import ProductPath, Walk, path_text


def walk(*visits: list[str]) -> Walk:
    table = Covisits()
    for number, visit in enumerate(visits):
        table.add_visit(visit, 0.0, number)
    return Walk(table)


def test_the_second_step_reaches_what_nobody_looked_at_beside_it() -> None:
    found = walk(*[["tent", "mat"]] * 3, ["mat", "pillow"]).next_products(["tent"])
    assert found.index("mat") < found.index("pillow")


def test_the_last_product_counts_most() -> None:
    table = walk(*[["tent", "mat"], ["shoe", "sock"]] * 3)
    assert table.next_products(["tent", "shoe"], leave_out=["tent", "shoe"])[0] == "sock"
    assert table.next_products(["shoe", "tent"], leave_out=["tent", "shoe"])[0] == "mat"


def test_what_was_looked_at_may_be_looked_at_again_unless_left_out() -> None:
    table = walk(["tent", "mat"])
    assert "tent" in table.next_products(["tent"])
    assert table.next_products(["tent"], leave_out=["tent"]) == ["mat"]


def test_an_unknown_product_leads_nowhere() -> None:
    assert walk(["tent", "mat"]).next_products(["nobody's"]) == []
    assert walk().next_products([]) == []


def test_answers_change_with_what_is_learnt_meanwhile() -> None:
    table = Covisits()
    asked = Walk(table)
    for number in range(3):
        table.add_visit(["tent", "mat"], 0.0, -number)
    table.add_visit(["mat", "pillow"], 0.0, 2)
    assert asked.next_products(["tent"], leave_out=["tent"]) == ["mat", "pillow"]
    for number in range(5):
        table.add_visit(["tent", "pillow"], 0.0, 3 + number)
    assert asked.next_products(["tent"], leave_out=["tent"])[0] == "pillow"


def test_what_was_learnt_of_others_counts_when_it_is_a_hundredth_of_all() -> None:
    table = Covisits()
    asked = Walk(table)
    for number in range(100):
        table.add_visit(["tent", "mat"], 0.0, number)
    assert asked.next_products(["tent"], leave_out=["tent"]) == ["mat"]
    table.add_visit(["sock"], 0.0, 100)
    for number in range(25):  # an eighth more of the mat, and a hundredth of all
        table.add_visit(["mat", "pillow"], 0.0, 101 + number)
    assert sorted(asked.next_products(["tent"], leave_out=["tent"])) == ["mat", "pillow"]


def test_the_reason_counts_true_visits() -> None:
    asked = walk(["tent", "mat"], ["tent", "mat", "tent"], ["mat", "pillow"], ["sock"])
    assert asked.path_to(["tent"], "mat") == ProductPath("tent", "", 2)
    assert asked.path_to(["tent"], "pillow") == ProductPath("tent", "mat", 2, 1)
    assert asked.path_to(["sock"], "pillow") is None


def test_the_reason_reads_as_a_sentence() -> None:
    names = {"a": "Tent", "b": "Mat", "c": "Pillow"}
    assert path_text(ProductPath("a", "", 1), "b", names) == "1 earlier visit that looked at Tent also looked at Mat"
    assert path_text(ProductPath("a", "b", 7, 2), "c", names) == (
        "7 earlier visits that looked at Tent also looked at Mat, and 2 at Mat and Pillow"
    )
