"""Statistics are held to scipy's where they overlap, and to what must hold whatever the numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.statistics import student
from bench.statistics.comparing import MARGIN, Difference, compare, holm, seeds_to_decide, verdict
from bench.statistics.paired import Paired, seed_differences
from bench.statistics.resampling import bootstrap, interval, randomisation, resample
from bench.statistics.variance import GainEstimate, error_reduction, estimate, mean_over_tasks, relative_change
from tasks.core.metrics.formulas import FORMULAS

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
    assert interval(bootstrap(paired)) == pytest.approx((theirs.low, theirs.high), abs=0.006)


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
    assert interval(bootstrap(paired)) == pytest.approx((theirs.low, theirs.high), abs=0.012)


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
    assert randomisation(paired) == pytest.approx(theirs, abs=0.02)


def test_randomisation_of_equal_arms_rarely_calls_a_difference() -> None:
    """At 5 %, 200 small experiments without a difference give about 10 calls; 25 would be an error in the test."""
    calls = sum(randomisation(right_or_wrong(0.8, 0.8, 2, 60, stream), 400) < 0.05 for stream in range(200))
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
        low, high = interval(bootstrap(Paired("made up", first, second, "proportion", COUNTS)))
        widths.append(high - low)
    assert widths[1] > 1.5 * widths[0]


def test_the_same_evidence_gives_the_same_figures_and_tasks_do_not_disturb_each_other() -> None:
    """Draws are named by task: leaving another task out changes nothing but Holm's correction and the mean."""
    pair, twin = right_or_wrong(0.7, 0.8), right_or_wrong(0.5, 0.5)
    other = Paired("other", twin.first, twin.second, "proportion", COUNTS)
    alone, together = (resample(pairs, 500)[0][0] for pairs in ([pair], [pair, other]))
    assert alone == together
    (first, second), mean = compare([pair, other])
    assert (first.low, first.high) == (compare([pair])[0][0].low, compare([pair])[0][0].high)
    assert mean is not None
    assert mean.value == pytest.approx((first.value + second.value) / 2)


def test_swapping_the_arms_turns_the_difference_round() -> None:
    """Nothing prefers one arm; the p-value is the same to Monte Carlo error."""
    paired = right_or_wrong(0.7, 0.75, seeds=3)
    turned = Paired(paired.name, paired.second, paired.first, paired.formula, paired.columns)
    low, high = interval(bootstrap(paired))
    assert interval(bootstrap(turned)) == pytest.approx((-high, -low))
    assert randomisation(turned) == pytest.approx(randomisation(paired), abs=1e-12)
    (there,), (back,) = compare([paired])[0], compare([turned])[0]
    assert (back.low, back.high, back.p) == pytest.approx((-there.high, -there.low, there.p))


def test_what_is_undefined_stays_so_and_decides_nothing() -> None:
    """Pearson of constant answers: no value, no interval, no p-value, no verdict."""
    paired = correlated((1.0, 1.0))
    paired.second[..., 2:] = paired.second[..., :1] * [2.0, 0.0, 4.0, 0.0]
    paired.second[..., 3], paired.second[..., 5] = paired.second[..., 1] ** 2, 2 * paired.second[..., 1]
    (found,), mean = compare([paired])
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
        (0.002, 0.03, 0.30, "no worse than 1 point"),
        (-0.005, 0.03, 0.30, "no worse than 1 point"),
        (-0.009, -0.001, 0.01, "no worse than 1 point"),
        (-0.03, -0.001, 0.01, "worse"),
        (-0.03, -0.001, 0.20, "undecided"),
        (-0.03, 0.02, 0.50, "undecided"),
        (math.nan, math.nan, 0.001, "undecided"),
        (0.002, 0.03, math.nan, "no worse than 1 point"),
    ],
)
def test_verdicts(low: float, high: float, p: float, expected: str) -> None:
    """A margin of one point; better and worse need interval and p-value, and nan decides nothing."""
    assert verdict(Difference("made up", 0.0, low, high, p, 3, 100)) == expected


def test_the_margin_stands_in_the_verdict() -> None:
    """Whoever reads it need not look for the margin elsewhere."""
    assert verdict(Difference("made up", 0.0, -0.019, 0.03, 0.5, 3, 100), margin=0.02) == "no worse than 2 points"


@pytest.mark.parametrize("df", [1, 2, 2.7, 4, 19, 99.5, 499])
def test_student_is_scipys(df: float) -> None:
    """Tail and quantile, for whole and broken degrees of freedom; beyond 1000 they are those of 1000."""
    stats = pytest.importorskip("scipy.stats")
    t = np.array([0.0, 0.3, 1.0, 2.5, 4.4, 12.0])
    assert student.two_sided_p(t, df) == pytest.approx(2 * stats.t.sf(t, df), abs=1e-10)
    for level in (0.8, 0.95, 0.999):
        assert float(student.quantile(level, df)) == pytest.approx(stats.t.ppf((1 + level) / 2, df), rel=1e-8)


def test_with_one_seed_accuracy_is_scipys_paired_t_test() -> None:
    """A proportion is a mean, so the influence of an example is its gain."""
    stats = pytest.importorskip("scipy.stats")
    paired = right_or_wrong(0.7, 0.8)
    theirs = stats.ttest_rel(paired.second[0, :, 0], paired.first[0, :, 0])
    bounds = theirs.confidence_interval(0.95)
    one = estimate(paired)
    assert one.p == pytest.approx(theirs.pvalue)
    assert one.interval() == pytest.approx((bounds.low, bounds.high))


def test_where_examples_do_not_differ_it_is_scipys_t_test_over_seeds() -> None:
    """Every seed gains as much on each example as on any other: nothing but seeds varies."""
    stats = pytest.importorskip("scipy.stats")
    gains = np.array([0.1, 0.25, 0.05, 0.2])
    first, second = np.ones((2, 4, 30, 2))
    first[..., 0], second[..., 0] = 0.5, 0.5 + gains[:, None]
    one = estimate(Paired("made up", first, second, "proportion", COUNTS))
    theirs = stats.ttest_1samp(gains, 0)
    assert one.p == pytest.approx(theirs.pvalue)
    assert one.df == pytest.approx(3)


def test_the_variances_are_those_of_two_crossed_factors() -> None:
    """Mean squares of the textbook's two-way layout without replication: (seeds + examples - rest) / (S B)."""
    draw, (seeds, examples) = np.random.default_rng(5), (4, 50)
    gain = draw.normal(size=(seeds, 1)) + 2 * draw.normal(size=examples) + draw.normal(size=(seeds, examples))
    first, second = np.ones((2, seeds, examples, 2))
    second[..., 0] += gain
    one = estimate(Paired("made up", first, second, "proportion", COUNTS))
    by_seed, by_example, mean = gain.mean(axis=1, keepdims=True), gain.mean(axis=0), gain.mean()
    squares = (
        examples * ((by_seed - mean) ** 2).sum() / (seeds - 1),
        seeds * ((by_example - mean) ** 2).sum() / (examples - 1),
        ((gain - by_seed - by_example + mean) ** 2).sum() / ((seeds - 1) * (examples - 1)),
    )
    assert one.error**2 == pytest.approx((squares[0] + squares[1] - squares[2]) / (seeds * examples))
    assert one.seed_variance == pytest.approx(squares[0] / (seeds * examples))


def test_the_standard_error_of_pearson_is_scipys() -> None:
    """Of a score that is no mean, the influences give what the bootstrap gives."""
    stats = pytest.importorskip("scipy.stats")
    paired = correlated((2.0, 1.0), examples=400)

    def difference(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> float:
        return float(np.corrcoef(x, z)[0, 1] - np.corrcoef(x, y)[0, 1])

    columns = (paired.first[0, :, 1], paired.first[0, :, 2], paired.second[0, :, 2])
    theirs = stats.bootstrap(
        columns, difference, n_resamples=2000, paired=True, vectorized=False, rng=0, method="basic"
    )
    assert estimate(paired).error == pytest.approx(theirs.standard_error, rel=0.06)


@pytest.mark.parametrize("formula", FORMULAS)
def test_fewer_columns_give_the_same_scores(formula: str) -> None:
    """What a formula does not look at may be added up before anything is resampled."""
    roles = {"proportion": COUNTS, "pearson": MOMENTS, "two_sided_f1": ("found", "gold", "right", "answered")}
    own = roles.get(formula, ("tp", "fp", "fn"))
    columns = own if formula == "pearson" else tuple(f"{label}:{role}" for label in "abc" for role in own)
    evidence = np.random.default_rng(3).integers(0, 9, size=(2, 3, 20, len(columns))).astype(float)
    paired = Paired("made up", evidence[0], evidence[1], formula, columns)
    narrow = paired.narrowed()
    assert seed_differences(narrow) == pytest.approx(seed_differences(paired), nan_ok=True)
    assert len(narrow.columns) == (len(columns) if formula == "macro_f1" else len(own))


def test_one_seed_leaves_seed_variance_unknown() -> None:
    """Unknown is nan, never 0; the examples' part is known all the same, and more seeds are asked for."""
    (found,), _ = compare([right_or_wrong(0.7, 0.75)])
    assert math.isnan(found.seed_spread)
    assert found.example_spread > 0
    assert math.isnan(seeds_to_decide(found))


def test_answers_that_never_differ_decide_nothing() -> None:
    """Twenty right answers in both arms do not tell how often the next would differ."""
    ones = np.ones((3, 20, 2))
    (found,), _ = compare([Paired("made up", ones, ones, "proportion", COUNTS)])
    assert found.value == 0
    assert verdict(found) == "undecided"


def test_the_mean_over_tasks_knows_that_seeds_are_shared() -> None:
    """Two tasks that a seed helps alike leave more doubt in their mean than two that it helps against each other."""
    gains, errors = np.array([0.02, 0.06, 0.04]), []
    for sign in (1, -1):
        one = GainEstimate(gains, 1e-6, 99)
        other = GainEstimate(0.04 + sign * (gains - 0.04), 1e-6, 99)
        errors.append(mean_over_tasks([one, other]).error)
    assert errors[0] > 10 * errors[1]


def test_relative_effects_are_those_of_the_field() -> None:
    """From 60 to 70: a sixth more, and a quarter of the errors gone; a perfect score has no errors to lose."""
    first, second = np.ones((2, 1, 10, 2))
    first[0, 6:, 0] = second[0, 7:, 0] = 0
    paired = Paired("made up", first, second, "proportion", COUNTS)
    assert estimate(paired, relative_change).value == pytest.approx(1 / 6)
    assert estimate(paired, error_reduction).value == pytest.approx(1 / 4)
    first[..., 0] = 1
    assert math.isnan(estimate(paired, error_reduction).value)


def test_the_seed_budget_buys_its_verdict() -> None:
    """Seeds help against seed variance only, and as many as it says decide in 8 of 10 experiments."""
    seen = Difference("made up", 0.005, -0.02, 0.03, 0.4, 3, 500, seed_spread=0.012, example_spread=0.003)
    needed = int(seeds_to_decide(seen))
    draw, decided = np.random.default_rng(0), []
    for _ in range(200):
        gains = 0.005 + 0.003 * draw.normal() + 0.012 * 3**0.5 * draw.normal(size=needed)
        low, _ = GainEstimate(gains, 0.003**2, 499).interval()
        decided.append(low > -MARGIN)
    assert np.mean(decided) == pytest.approx(0.8, abs=0.08)
    hopeless = Difference("made up", 0.0, -0.05, 0.05, 0.9, 3, 20, seed_spread=0.001, example_spread=0.02)
    assert math.isinf(seeds_to_decide(hopeless))
