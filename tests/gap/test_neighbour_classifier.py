"""The neighbour classifier: scikit-learn's manners, honest scores, and the bounds it wins."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from adainf_core.data.sprites import SpriteWorld
from adainf_core.gap.image_tv import TRAINING_SHARE, image_tv
from adainf_core.gap.neighbour_classifier import NeighbourClassifier, described

WORLD = SpriteWorld(places=2, scales=1, tilts=1, hues=3, backgrounds=3)


def sprites(distribution, count, seed):
    return WORLD.sample(distribution, count, np.random.default_rng(seed)).images


def rows_of(flaw, count, seed):
    distributions = WORLD.real_distribution(), WORLD.flaw_distribution(flaw)
    images = [
        sprites(distribution, count, seed + i) for i, distribution in enumerate(distributions)
    ]
    return described(np.concatenate(images)).rows, np.repeat([0, 1], count)


def test_it_tells_flaws_apart_and_leaves_its_settings_alone():
    model = NeighbourClassifier((768, 256), seed=3)
    assert clone(model).get_params() == {"widths": (768, 256), "seed": 3}
    for flaw in ("chimera", "blur"):
        fitted = clone(model).fit(*rows_of(flaw, 150, 0))
        rows, origin = rows_of(flaw, 150, 10)
        scores = fitted.predict_proba(rows)
        assert scores.shape == (300, 2) and np.allclose(scores.sum(axis=1), 1)
        assert roc_auc_score(origin, scores[:, 1]) > 0.97, flaw
        np.testing.assert_array_equal(fitted.predict(rows), scores.argmax(axis=1))


def test_images_of_any_size_and_shape_will_do():
    rng = np.random.default_rng(2)
    for shape in ((3, 8, 8), (3, 35, 20)):
        images = rng.integers(0, 256, (40, *shape))
        images[20:] //= 2
        rows, widths = described(images)
        fitted = NeighbourClassifier(widths).fit(rows, np.repeat([0, 1], 20))
        assert fitted.predict_proba(rows).shape == (40, 2)
    # images of one colour have no pattern
    flat = np.repeat(rng.integers(0, 256, (40, 3)), 64, axis=1).reshape(40, 3, 8, 8)
    rows, widths = described(flat)
    NeighbourClassifier(widths).fit(rows, np.repeat([0, 1], 20)).predict_proba(rows)


def test_a_row_is_of_its_own_image_alone():
    """Whatever is described beside it, and in whatever chunk: of 104 and 96 images."""
    images = np.random.default_rng(4).integers(0, 256, (200, 3, 36, 35), np.uint8)
    rows, widths = described(images)
    assert rows.dtype == np.float32 and widths == (3 * 18 * 17, 18 * 17)
    assert np.array_equal(rows[90:], described(images[90:]).rows)
    assert np.array_equal(rows[3:4], described(images[3:4]).rows)


def test_the_bound_on_sprites_is_most_of_the_truth_and_never_above():
    distribution = WORLD.generated_distribution("chimera", 0.5)
    found = image_tv(sprites(WORLD.real_distribution(), 800, 0), sprites(distribution, 800, 1))
    assert found.estimate.n_real == 800 - round(800 * TRAINING_SHARE)
    # 520 rows a side cost the bound about 0.05
    assert 0.38 < found.lower <= 0.5
    assert found.sound and found.auc.value > 0.7


def test_bad_input_is_named():
    rows = np.zeros((20, 12))
    with pytest.raises(ValueError, match=r"rows have 12 columns, the two spaces alone 16: give"):
        NeighbourClassifier((12, 4)).fit(rows, np.repeat([0, 1], 10))
    with pytest.raises(ValueError, match="5 rows of each"):
        NeighbourClassifier((8, 3)).fit(rows, np.repeat([0, 1], [16, 4]))
