"""Groups that visitors fall into by what they do, though nobody named them: clusters of features, each with the lines
of a rule file that find it best.

Visitors are compared by what they share (Jaccard's distance, one vote for each attribute), and grouped around the
visitor nearest to all of a group (k-medoids, from the greedy start of Kaufman and Rousseeuw, 1990). How many groups
there are is what parts them best (the mean silhouette); how sure a group is, is what part of it comes out again when
half of the visitors are asked alone (Hennig, 2007; below 0.6 it is left out). No chance is drawn: the same visitors
fall into the same groups. Bounded: distances are worked out between `MOST_ROWS` at most, the others go to the nearest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from proxy.audience.drivers import Driver, Feature, drivers

MOST_ROWS = 400
MOST_CLUSTERS = 8
LEAST_VISITORS = 40
HALVES = 10
LEAST_STABLE = 0.6
LEAST_PARTED = 0.1
"""A mean silhouette below that says that visitors are one crowd."""
MOST_LINES = 4
WORTH_A_LINE = 0.02

Row = frozenset[Feature]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group of visitors.

    * `members`, `share`: how many of those looked at, and their share.
    * `stability`: how much of it comes out again when half of the visitors are asked (Jaccard, 0 to 1).
    * `apart`: the features that set it apart.
    * `when`, `unless`: the lines of a segment that finds it best; `found` is the part of the group they find, `right`
      the part of those found that is in the group.
    """

    members: int
    share: float
    stability: float
    when: tuple[Feature, ...]
    unless: tuple[Feature, ...]
    found: float
    right: float
    apart: tuple[Driver, ...]


def clusters(visitors: Sequence[Row], most: int) -> list[Cluster]:
    """The stable groups, the largest first; none when there are too few visitors or no groups among them."""
    if len(visitors) < LEAST_VISITORS:
        return []
    space = _Space(visitors)
    groups = max((space.groups(count) for count in range(2, MOST_CLUSTERS + 1)), key=space.parted)
    if space.parted(groups) < LEAST_PARTED:
        return []
    stabilities = space.stabilities(groups)
    nearest = {row: space.nearest(row, groups) for row in set(visitors)}
    found = [
        _cluster(visitors, [nearest[row] == place for row in visitors], stability)
        for place, stability in enumerate(stabilities)
        if stability >= LEAST_STABLE
    ]
    return sorted(found, key=lambda one: (-one.members, one.when, one.unless))[:most]


# -- which groups

Groups = tuple[int, ...]
"""The rows that are in the middle of each."""


class _Space:
    """Distinct rows of features, how many visitors each stands for, and the distances between them."""

    def __init__(self, visitors: Sequence[Row]) -> None:
        ordered = sorted(visitors, key=sorted)
        some = ordered[:: -(-len(ordered) // MOST_ROWS)]
        self._rows = list(dict.fromkeys(some))
        counts = Counter(some)
        self._counts = [counts[row] for row in self._rows]
        self._votes = _votes(feature for row in self._rows for feature in row)
        self._weight = {row: self._sum(row) for row in self._rows}
        self._distances = [[self._distance(one, other) for other in self._rows] for one in self._rows]

    def groups(self, count: int, counts: Sequence[int] | None = None) -> Groups:
        """The medoids of `count` groups; of the visitors that `counts` has of each row, if given."""
        counts = self._counts if counts is None else counts
        asked = [place for place, many in enumerate(counts) if many]
        middles = self._start(count, asked, counts)
        for _ in range(20):
            theirs = self._assigned(middles, asked)
            better = tuple(self._middle(own, counts) for own in theirs if own)
            if better == middles:
                break
            middles = better
        return middles

    def parted(self, groups: Groups) -> float:
        """The mean silhouette: near 1 where each is much nearer to their own group than to the next."""
        theirs = self._assigned(groups, range(len(self._rows)))
        if len([own for own in theirs if own]) < 2:
            return 0.0
        sizes = [sum(self._counts[place] for place in own) for own in theirs]
        total = 0.0
        for number, own in enumerate(theirs):
            for place in own:
                sums = [sum(self._distances[place][one] * self._counts[one] for one in group) for group in theirs]
                mine = sums[number] / (sizes[number] - 1) if sizes[number] > 1 else 0.0
                next_ = min(sums[one] / sizes[one] for one in range(len(theirs)) if one != number and sizes[one])
                if sizes[number] > 1 and max(mine, next_):
                    total += self._counts[place] * (next_ - mine) / max(mine, next_)
        return total / sum(self._counts)

    def stabilities(self, groups: Groups) -> list[float]:
        """For each group the mean, over halves of the visitors, of how much of it comes out again."""
        theirs = self._assigned(groups, range(len(self._rows)))
        sums = [0.0] * len(groups)
        for number in range(HALVES):
            half = self._half(number)
            asked = [place for place, many in enumerate(half) if many]
            again = self._assigned(self.groups(len(groups), half), asked)
            for place, own in enumerate(theirs):
                sums[place] += max(_common(own, other, half) for other in again)
        return [one / HALVES for one in sums]

    def nearest(self, row: Row, groups: Groups) -> int:
        """The number of the group that a row is nearest to."""
        weight = self._weight.get(row, self._sum(row))
        self._weight[row] = weight
        return min(range(len(groups)), key=lambda number: self._distance(row, self._rows[groups[number]]))

    def _sum(self, row: Row) -> float:
        return sum([self._votes.get(feature, 0.0) for feature in row])

    def _distance(self, one: Row, other: Row) -> float:
        shared = self._sum(one & other)
        either = self._weight[one] + self._weight[other] - shared
        return 1 - shared / either if either else 0.0

    def _start(self, count: int, asked: Sequence[int], counts: Sequence[int]) -> Groups:
        """The medoid of all; then, again and again, the row that reduces the sum of distances most."""
        chosen = [self._middle(asked, counts)]
        near = self._distances[chosen[0]]
        while len(chosen) < min(count, len(asked)):
            gains = {
                place: sum([counts[one] * max(near[one] - self._distances[place][one], 0.0) for one in asked])
                for place in asked
            }
            chosen.append(max(asked, key=lambda place: (gains[place], -place)))
            near = list(map(min, near, self._distances[chosen[-1]]))
        return tuple(chosen)

    def _middle(self, own: Sequence[int], counts: Sequence[int]) -> int:
        """The medoid of these rows."""
        sums = {place: sum([counts[one] * self._distances[place][one] for one in own]) for place in own}
        return min(own, key=lambda place: (sums[place], place))

    def _assigned(self, groups: Groups, asked: Iterable[int]) -> list[list[int]]:
        theirs: list[list[int]] = [[] for _ in groups]
        for place in asked:
            away = [self._distances[middle][place] for middle in groups]
            theirs[away.index(min(away))].append(place)
        return theirs

    def _half(self, number: int) -> list[int]:
        """How many visitors of each row are in one half of them; the same every time."""
        sides = int.from_bytes(blake2b(b"%d" % number, digest_size=64).digest(), "big")  # a bit a visitor
        all_ = [place for place, many in enumerate(self._counts) for _ in range(many)]
        half = Counter(place for visitor, place in enumerate(all_) if sides >> visitor & 1)
        return [half[place] for place in range(len(self._rows))]


def _votes(features: Iterable[Feature]) -> dict[Feature, float]:
    """An attribute has one vote: the steps of a number share it."""
    kinds = set(features)
    steps = Counter(feature.partition(": ")[0] for feature in kinds if ": at least " in feature)
    return {feature: 1 / steps.get(feature.partition(": ")[0], 1) for feature in kinds}


def _common(one: Sequence[int], other: Sequence[int], counts: Sequence[int]) -> float:
    """Jaccard's index of two sets of visitors."""
    both = sum(counts[place] for place in set(one) & set(other))
    either = sum(counts[place] for place in set(one) | set(other))
    return both / either if either else 1.0


# -- what they are


def _cluster(visitors: Sequence[Row], is_member: Sequence[bool], stability: float) -> Cluster:
    members = sum(is_member)
    own = sum(1 << place for place, is_one in enumerate(is_member) if is_one)
    when, unless, found = _lines(own, _masks(visitors), len(visitors))
    return Cluster(
        members,
        members / len(visitors),
        stability,
        when,
        unless,
        (found & own).bit_count() / members,
        (found & own).bit_count() / (found.bit_count() or 1),
        tuple(drivers(visitors, is_member)),
    )


def _masks(visitors: Sequence[Row]) -> dict[Feature, int]:
    """For each feature a bit for each visitor who has it."""
    masks: dict[Feature, int] = {}
    for place, row in enumerate(visitors):
        for feature in row:
            masks[feature] = masks.get(feature, 0) | 1 << place
    return masks


def _lines(own: int, masks: Mapping[Feature, int], total: int) -> tuple[tuple[Feature, ...], tuple[Feature, ...], int]:
    """The lines of `when` and of `unless`, and whom they find. Greedy: the line that improves the fit most is added, as
    long as one does; an attribute has one value, as a rule file wants it."""
    when: list[Feature] = []
    unless: list[Feature] = []
    found = (1 << total) - 1
    best = _fit(found, own)
    while len(when) + len(unless) < MOST_LINES:
        taken = {feature.partition(": ")[0] for feature in when}
        more = [
            (_fit(found & (mask if holds else ~mask), own), holds, feature)
            for feature, mask in sorted(masks.items())
            for holds in (True, False)
            if not (holds and feature.partition(": ")[0] in taken)
        ]
        fit, holds, feature = max(more, default=(0.0, True, ""), key=lambda one: (one[0], one[1]))
        if fit < best + WORTH_A_LINE:
            break
        (when if holds else unless).append(feature)
        found, best = found & (masks[feature] if holds else ~masks[feature]), fit
    return tuple(when), tuple(unless), found


def _fit(found: int, own: int) -> float:
    """The harmonic mean of recall and precision: what part of the group is found, and what part of those found is in
    it."""
    return 2 * (found & own).bit_count() / ((found.bit_count() + own.bit_count()) or 1)
