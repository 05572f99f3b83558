"""Statistics are held to scipy's where they overlap, and to what must hold whatever the numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench import statistics
from bench.statistics import Difference, Paired, compare, holm, interval, verdict

COUNTS = ("correct", "count")
MOMENTS = ("n", "x", "y", "xx", "yy", "xy")


def right_or_wrong(first: float, second: float, seeds: int = 1, examples: int = 200, stream: int = 0) -> Paired:
    """Two arms that answer each example rightly with these chances."""
    draw = np.random.default_rng(stream)
    ones = np.ones((seeds, examples))
    arms = [
        np.stack([draw.random((seeds, examples)) < chance, ones], axis=-1).astype(float) for chance in (first, second)
    ]
    return Paired("made up", *arms, "proportion", COUNTS)


def correlated(noise: tuple[float, float], seeds: int = 1, examples: int = 120) -> Paired:
    """Two arms that score similarity with these errors, Pearson's evidence."""
    draw = np.random.default_rng(1)
    x = draw.uniform(0, 5, size=(1, examples)).repeat(seeds, axis=0)
    arms = []
    for spread in noise:
        y = x + spread * draw.normal(size=x.shape)
        arms.append(np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1))
    return Paired("made up", *arms, "pearson", MOMENTS)


def test_with_one_seed_the_interval_is_scipys_percentile_bootstrap() -> None:
    """Accuracy: the same examples drawn for both arms; both are Monte Carlo, so they agree within their error."""
    stats = pytest.importorskip("scipy.stats")
    paired = right_or_wrong(0.7, 0.8)
    gain = paired.second[0, :, 0] - paired.first[0, :, 0]
    theirs = stats.bootstrap((gain,), np.mean, n_resamples=10_000, method="percentile", rng=0).confidence_interval
    assert interval(statistics.bootstrap(paired)) == pytest.approx((theirs.low, theirs.high), abs=0.006)


def test_pearson_is_resampled_as_scipy_resamples_it() -> None:
    """A ratio of sums is computed anew from each draw's sums, not averaged."""
    stats = pytest.importorskip("scipy.stats")
    paired = correlated((2.0, 1.0))

    def difference(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> float:
        return float(np.corrcoef(x, z)[0, 1] - np.corrcoef(x, y)[0, 1])

    columns = (paired.first[0, :, 1], paired.first[0, :, 2], paired.second[0, :, 2])
    theirs = stats.bootstrap(
        columns, difference, n_resamples=4000, method="percentile", paired=True, vectorized=False, rng=0
    ).confidence_interval
    assert interval(statistics.bootstrap(paired)) == pytest.approx((theirs.low, theirs.high), abs=0.012)


@pytest.mark.parametrize("second", [0.7, 0.78, 0.85])
def test_randomisation_is_scipys_paired_permutation_test(second: float) -> None:
    """Swapping the arms of an example is a permutation of paired samples."""
    stats = pytest.importorskip("scipy.stats")
    paired = right_or_wrong(0.7, second)
    samples = (paired.second[0, :, 0], paired.first[0, :, 0])
    theirs = stats.permutation_test(
        samples, lambda a, b, axis: np.mean(a - b, axis=axis), permutation_type="samples", vectorized=True,
        n_resamples=9_999, rng=0,
    ).pvalue  # fmt: skip
    assert statistics.randomisation(paired) == pytest.approx(theirs, abs=0.02)


def test_randomisation_of_equal_arms_rarely_calls_a_difference() -> None:
    """At 5 %, 200 small experiments without a difference give about 10 calls; 25 would be an error in the test."""
    calls = sum(statistics.randomisation(right_or_wrong(0.8, 0.8, 2, 60, stream), 400) < 0.05 for stream in range(200))
    assert calls <= 20


def test_seeds_that_disagree_widen_the_interval() -> None:
    """With equal examples, seeds whose gains differ leave more doubt than seeds whose gains agree."""
    steady, unsteady = (np.zeros((4, 300, 2)) for _ in range(2))
    first = np.zeros((4, 300, 2))
    for arm in (first, steady, unsteady):
        arm[..., 1] = 1
    first[:, :150, 0] = 1
    steady[:, :165, 0] = 1
    for seed, right in enumerate((135, 155, 175, 195)):
        unsteady[seed, :right, 0] = 1
    widths = []
    for second in (steady, unsteady):
        low, high = interval(statistics.bootstrap(Paired("made up", first, second, "proportion", COUNTS)))
        widths.append(high - low)
    assert widths[1] > 1.5 * widths[0]


def test_the_same_evidence_gives_the_same_figures_and_tasks_do_not_disturb_each_other() -> None:
    """Draws are named by task: leaving another task out changes nothing but Holm's correction."""
    alone, _ = compare([right_or_wrong(0.7, 0.8)], 500)
    other = Paired("other", *(right_or_wrong(0.5, 0.5).first for _ in range(2)), "proportion", COUNTS)
    together, mean = compare([right_or_wrong(0.7, 0.8), other], 500)
    assert (alone[0].low, alone[0].high) == (together[0].low, together[0].high)
    assert mean is not None
    assert mean.value == pytest.approx((together[0].value + together[1].value) / 2)


def test_swapping_the_arms_turns_the_difference_round() -> None:
    """Nothing prefers one arm; the p-value is the same to Monte Carlo error."""
    paired = right_or_wrong(0.7, 0.75, seeds=3)
    turned = Paired(paired.name, paired.second, paired.first, paired.formula, paired.columns)
    low, high = interval(statistics.bootstrap(paired))
    assert interval(statistics.bootstrap(turned)) == pytest.approx((-high, -low))
    assert statistics.randomisation(turned) == pytest.approx(statistics.randomisation(paired), abs=1e-12)


def test_what_is_undefined_stays_so_and_decides_nothing() -> None:
    """Pearson of constant answers: no value, no interval, no p-value, no verdict."""
    paired = correlated((1.0, 1.0))
    paired.second[..., 2:] = paired.second[..., :1] * [2.0, 0.0, 4.0, 0.0]
    paired.second[..., 3], paired.second[..., 5] = paired.second[..., 1] ** 2, 2 * paired.second[..., 1]
    (found,), mean = compare([paired], 200)
    assert all(math.isnan(number) for number in (found.value, found.low, found.high, found.p))
    assert verdict(found) == "undecided"
    assert mean is None


def test_holm_is_the_published_step_down_procedure() -> None:
    """The example of four hypotheses: each p times what is left, never less than the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    corrected = holm([0.02, math.nan, 0.9])
    assert corrected[0] == pytest.approx(0.04)
    assert math.isnan(corrected[1])
    assert corrected[2] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("low", "high", "p", "expected"),
    [
        (0.002, 0.03, 0.01, "better"),
        (0.002, 0.03, 0.30, "no worse"),
        (-0.005, 0.03, 0.30, "no worse"),
        (-0.009, -0.001, 0.01, "no worse"),
        (-0.03, -0.001, 0.01, "worse"),
        (-0.03, -0.001, 0.20, "undecided"),
        (-0.03, 0.02, 0.50, "undecided"),
        (math.nan, math.nan, 0.001, "undecided"),
        (0.002, 0.03, math.nan, "better"),
    ],
)
def test_verdicts(low: float, high: float, p: float, expected: str) -> None:
    """A margin of one point; better and worse need interval and p-value, and nan decides nothing."""
    assert verdict(Difference("made up", 0.0, low, high, p, 3, 100)) == expected
