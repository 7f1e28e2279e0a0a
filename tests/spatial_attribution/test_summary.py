"""From scores to means, intervals and the numbers of the text."""

import numpy as np
import pytest

from netlens.spatial_attribution.choices import AttributionError
from netlens.spatial_attribution.results import AttributionScores
from netlens.spatial_attribution.summary import Quantity, best, per_scene, quantity_of, row_of, summary
from netlens.statistics.intervals import Bootstrap

BOOTSTRAP = Bootstrap(resamples_count=200, seed=1)


@pytest.fixture
def scores():
    """Three scenes of at most two classes; three layers, three gradients, two methods."""
    nan = np.nan
    areas = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, nan]])
    layer_shares = np.full((3, 3, 3, 2), 0.5)
    layer_shares[..., 2, 1] = nan
    layer_shares[2, 1] = [[0.9, 0.7], [0.8, 0.8], [0.7, nan]]
    layer_shares[0, 1] = [[0.5, 0.5], [0.6, 0.6], [0.5, nan]]
    return AttributionScores(
        network="tiny",
        measures=("share", "point"),
        areas=areas,
        classes=np.array([[0, 1], [2, 0], [1, -1]]),
        logits=np.zeros((3, 2), np.float32),
        gradients=("true", "smooth", "smooth_blur"),
        layers=("input", "mixed3a", "mixed4a"),
        layer_labels=("input", "3a", "4a"),
        layer_scores=np.stack([layer_shares, np.where(np.isnan(areas), nan, 1.0) * np.ones((3, 3, 1, 1))]),
        layer_control=np.full((2, 3, 3, 2, 2), 0.4),
        methods=("gradient", "deep_taylor"),
        method_scores=np.stack(
            [
                np.array([[[0.6, 0.6], [0.6, 0.6], [0.6, nan]], [[nan, 0.2], [nan, nan], [nan, nan]]]),
                np.zeros((2, 3, 2)) * np.where(np.isnan(areas), nan, 0.0),
            ]
        ),
        method_control=np.full((2, 2, 2, 2), nan),
    )


def test_a_scene_counts_once_whatever_its_classes():
    np.testing.assert_allclose(per_scene([[1, 0], [1, np.nan], [np.nan, np.nan]]), [0.5, 1, np.nan])


def test_rows_are_layers_by_gradient_and_then_methods(scores):
    rows = summary(scores, BOOTSTRAP)
    assert len(rows) == 11
    assert [row.name for row in rows[:3]] == ["true at input", "smooth at input", "smooth + blur at input"]
    taylor = row_of(rows, "deep_taylor")
    assert (taylor.share.value, taylor.share.count, taylor.unjudged_count) == (0.2, 1, 4)
    with pytest.raises(AttributionError, match="no score of lrp"):
        row_of(rows, "lrp")


def test_what_could_not_be_scored_on_any_scene_is_left_out(scores):
    scores.method_scores[:, 1] = np.nan
    assert all(row.method != "deep_taylor" for row in summary(scores, BOOTSTRAP))


def test_numbers_of_the_text(scores):
    def ask(quantity, layer=""):
        return quantity_of(scores, quantity, BOOTSTRAP, compared_layer=layer)

    assert (ask("network"), ask("scenes"), ask("compared_layer")) == (
        Quantity("tiny"),
        Quantity(3, "scenes"),
        Quantity("4a"),
    )
    assert ask("chance").value == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert ask("best_name") == Quantity("smooth + blur at 3a")
    assert ask("best_share").value == pytest.approx((0.8 + 0.8 + 0.7) / 3)
    assert ask("best_low").value <= ask("best_share").value <= ask("best_high").value
    assert ask("best_point").value == 1
    assert ask("best_control").value == pytest.approx(0.4)
    assert ask("best_excess").value == pytest.approx(-0.1)
    assert ask("gradient_control") == Quantity("not applicable")
    assert ask("input_name") == Quantity("gradient")
    assert ask("true_share", "mixed3a").value == pytest.approx((0.5 + 0.6 + 0.5) / 3)
    assert ask("gain_share", "mixed3a").value == pytest.approx((0.3 + 0.2 + 0.2) / 3)
    assert ask("gain_low", "mixed3a") == Quantity(pytest.approx(0.2, abs=1e-9), "fraction")
    assert ask("gain_share").value == pytest.approx(0)
    assert ask("pattern.net_share") == Quantity("none")


def test_the_deviation_is_that_of_the_mean_over_scenes(scores):
    values = [0.8, 0.8, 0.7]
    found = quantity_of(scores, "best_share", BOOTSTRAP)
    assert found.deviation == pytest.approx(np.std(values, ddof=1) / np.sqrt(3))
    assert found.interval.low <= found.value <= found.interval.high


@pytest.mark.parametrize("quantity", ["nothing", "best_mood", "nobody_share"])
def test_unknown_quantities_are_refused(scores, quantity):
    with pytest.raises(AttributionError, match="attribution scores have no"):
        quantity_of(scores, quantity, BOOTSTRAP)


def test_unknown_layers_are_refused(scores):
    with pytest.raises(AttributionError, match="layer 'mixed9' has no scores; choose one of input, mixed3a, mixed4a"):
        quantity_of(scores, "true_share", BOOTSTRAP, compared_layer="mixed9")


def test_nothing_has_no_best():
    with pytest.raises(AttributionError, match="no method could be scored"):
        best([])
