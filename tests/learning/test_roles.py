"""Roles of generated images: the plain run where they do nothing, else what the papers write."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from children import coloured

from adainf_core.data.inflation import Inflation
from adainf_core.data.paired import PairedImages
from adainf_core.data.varied import Varied
from adainf_core.learning.encoders import small_cnn
from adainf_core.learning.methods import METHODS, MoCo, SimCLR
from adainf_core.learning.methods.simclr import nt_xent
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import Run, load_pretrained, pretrain
from adainf_core.learning.roles import (
    ROLES,
    Multi,
    Positive,
    ReplaceView,
    ThirdView,
    alignment,
    multi_positive,
)


def pairs(n):
    """Three variations that say of which image: its number in red, their own in green."""
    images = np.zeros((n, 3, 3, 16, 16), np.uint8)
    images[:, :, 0] += np.arange(n, dtype=np.uint8)[:, None, None, None]
    images[:, :, 1] += np.arange(1, 4, dtype=np.uint8)[None, :, None, None]
    return PairedImages(images, "numbered")


REAL = coloured(40, 0)


@pytest.fixture(scope="module")
def varied():
    return Varied(Inflation(REAL), pairs(40))


@pytest.fixture(scope="module")
def brief(config):
    return replace(config, steps=3, warmup=1)


def history(config, data):
    return pretrain(config, data).history


def weights(config, data):
    return torch.cat([v.flatten().double() for v in pretrain(config, data).encoder.parameters()])


# ---- where a role does nothing


@pytest.mark.parametrize(
    ("method", "role"),
    [
        (kind(16, 8), role)
        for kind in METHODS.values()
        for role in (Positive(0.0), ThirdView(0.0), ReplaceView(0.0), ReplaceView(0.0, "random"))
        if kind.name in role.methods
    ],
    ids=str,
)
def test_a_role_without_weight_is_the_plain_run_to_the_bit(brief, varied, method, role):
    plain = replace(brief, method=method)
    assert torch.equal(
        weights(plain, varied.inflation), weights(replace(plain, generated_role=role), varied)
    )


def test_views_of_the_plain_run_are_the_first_of_every_role(brief, varied):
    def views(role):
        run = Run(replace(brief, generated_role=role), varied)
        _, images = next(run.feed.batches(0, 1))
        return run._views(*images)

    plain = views(None)
    assert torch.equal(views(Positive())[: len(plain)], plain)
    assert torch.equal(views(Multi(2))[: len(plain)], plain)


# ---- which images it takes


def batch(role, data, step=5, size=32):
    config = PretrainConfig(generated_role=role, batch_size=size, width=4, device="cpu")
    ids, images = next(Run(config, data).feed.batches(step, step + 1))
    return ids, [image.numpy() for image in images]


def test_variations_are_those_of_their_image_and_all_are_drawn(varied):
    seen = []
    for step in range(20):
        ids, (first, second, third) = batch(Positive(), varied, step)
        assert np.array_equal(first, REAL.images[ids]) and np.array_equal(second, first)
        assert np.array_equal(third[:, 0, 0, 0], ids)
        seen.append(third[:, 1, 0, 0])
    shares = np.bincount(np.concatenate(seen), minlength=4)[1:] / (20 * 32)
    assert np.abs(shares - 1 / 3).max() < 5 * np.sqrt(2 / 9 / 640)


def test_several_variations_are_different_ones_while_they_last(varied):
    _, (_, _, *others) = batch(Multi(3), varied)
    numbers = np.stack([other[:, 1, 0, 0] for other in others])
    assert np.array_equal(np.sort(numbers, 0), np.repeat([[1], [2], [3]], 32, 1))
    _, (_, _, *more) = batch(Multi(4), varied)
    assert np.array_equal(more[3], more[0])


def test_a_third_view_is_of_the_image_itself(varied):
    _, (first, second, third) = batch(ThirdView(), varied)
    assert np.array_equal(first, third) and np.array_equal(second, third)


@pytest.mark.parametrize("side", ["second", "random"])
def test_the_share_and_the_side_of_what_is_replaced(varied, side):
    replaced, on_first = 0, 0
    for step in range(30):
        ids, (first, second) = batch(ReplaceView(0.6, side), varied, step)
        real = REAL.images[ids]
        kept = [(view == real).all((1, 2, 3)) for view in (first, second)]
        assert (kept[0] | kept[1]).all()  # one view is always the image's
        replaced += (~(kept[0] & kept[1])).sum()
        on_first += (~kept[0]).sum()
    assert abs(replaced / 960 - 0.6) < 5 * np.sqrt(0.24 / 960)
    expected = 0 if side == "second" else replaced / 2
    assert abs(on_first - expected) <= 5 * np.sqrt(replaced / 4) * (side == "random")


def test_generated_images_in_the_mixture_stand_for_themselves():
    generated = coloured(80, 1)
    both = Varied(Inflation(REAL, generated, beta=0.3), pairs(40))
    ids, (_, _, third) = batch(Positive(), both)
    real = ids < 40
    assert 0 < real.sum() < 32
    assert np.array_equal(third[~real], generated.images[ids[~real] - 40])
    assert np.array_equal(third[real, 0, 0, 0], ids[real])


def test_a_batch_is_the_same_whoever_asks_for_its_rows(varied):
    config = PretrainConfig(generated_role=ReplaceView(0.5, "random"), batch_size=32, device="cpu")
    feed = Run(config, varied).feed
    whole = feed._batch(7)
    feed.rows = slice(8, 24)
    part = feed._batch(7)
    assert np.array_equal(part[0], whole[0][8:24])
    for ours, all_rows in zip(part[1], whole[1], strict=True):
        assert torch.equal(ours, all_rows[8:24])


# ---- what it makes of the loss


@pytest.fixture
def embeddings():
    draw = torch.Generator().manual_seed(0)
    return [torch.randn((6, 5), generator=draw, dtype=torch.float64) for _ in range(4)]


def test_the_pull_is_clsp_s_by_hand(embeddings):
    z1, z2, z3, _ = embeddings
    module = SimCLR(16, 5).build(small_cnn(4))
    module.encoder, module.projector = torch.nn.Identity(), torch.nn.Identity()
    module.role = Positive(0.7)
    loss, features = module(torch.cat([z1, z2, z3]), torch.arange(6))
    # rederived: mean squared distance of unit vectors, and cross-entropy over real views alone
    unit = [z / z.norm(dim=1, keepdim=True) for z in (z1, z2, z3)]
    pull = ((unit[0] - unit[2]) ** 2).sum(1).mean()
    views = torch.cat(unit[:2])
    similar = (views @ views.T / 0.2).exp()
    partner = similar[torch.arange(12), torch.arange(12).roll(6)]
    contrast = -(partner / (similar.sum(1) - similar.diagonal())).log().mean()
    assert float(loss) == pytest.approx(float(contrast + 0.7 * pull), rel=1e-6)
    assert torch.equal(features, torch.cat([z1, z2]))
    assert float(alignment(z1, z3)) == pytest.approx(float(pull))


@pytest.mark.parametrize("number", [2, 3, 4])
def test_several_positives_are_supcon_by_brute_force(embeddings, number):
    views = embeddings[:number]
    z = [z / z.norm(dim=1, keepdim=True) for z in views]
    terms = []
    for a in range(number):
        for i in range(6):
            others = [(b, j) for b in range(number) for j in range(6) if (b, j) != (a, i)]
            exps = {(b, j): torch.exp(z[a][i] @ z[b][j] / 0.5) for b, j in others}
            total = sum(exps.values())
            positives = [(b, i) for b in range(number) if b != a]
            terms.append(-sum(torch.log(exps[p] / total) for p in positives) / len(positives))
    expected = float(sum(terms) / len(terms))
    assert float(multi_positive(views, 0.5)) == pytest.approx(expected, rel=1e-9)
    if number == 2:
        assert float(nt_xent(*views, 0.5)) == pytest.approx(expected, rel=1e-9)


def test_gradients_of_the_pull_reach_both_sides(embeddings):
    z1, z3 = (z.clone().requires_grad_() for z in (embeddings[0], embeddings[2]))
    assert torch.autograd.gradcheck(alignment, (z1, z3))
    assert torch.autograd.gradcheck(lambda *z: multi_positive(z), (z1, z3))


def test_negatives_of_the_other_side_are_left_out(embeddings):
    z1, z2 = embeddings[:2]
    sides = torch.tensor([True, True, False, True, False, False])
    found = nt_xent(z1, z2, 0.2, None, sides)
    parts = [nt_xent(z1[side], z2[side], 0.2) for side in (sides, ~sides)]
    assert float(found) == pytest.approx(float(sum(parts) / 2), rel=1e-9)
    # and a run of it differs from one in which all are negatives
    data = Inflation(REAL, coloured(80, 1), beta=0.5)
    config = PretrainConfig(steps=2, warmup=0, batch_size=32, width=4, device="cpu")
    own = replace(config, method=replace(config.method, own_negatives=True))
    assert history(own, data)[0]["loss"] < history(config, data)[0]["loss"]


def test_queries_alone_are_pulled_under_moco(embeddings):
    z1, z2, z3, _ = embeddings
    module = MoCo(16, 5, queue=8).build(small_cnn(4))
    module.encoder = module.projector = module.target = torch.nn.Identity()
    queue = module.queue.clone()
    plain, _ = module(torch.cat([z1, z2]), torch.arange(6))
    module.queue.copy_(queue)
    module.cursor.zero_()
    module.role = Positive(0.4)
    pulled, _ = module(torch.cat([z1, z2, z3]), torch.arange(6))
    pull = 2 - 2 * F.cosine_similarity(z1, z3).mean()
    assert float(pulled - plain) == pytest.approx(0.4 * float(pull), rel=1e-5)


# ---- runs


def test_a_run_goes_on_in_the_same_bits_and_its_checkpoint_is_read(brief, varied, tmp_path):
    config, path = replace(brief, generated_role=Positive()), tmp_path / "run.pt"
    whole = pretrain(config, varied)
    pretrain(config, varied, checkpoint=path, max_seconds=0)
    assert not load_pretrained(path).finished
    again = pretrain(config, varied, checkpoint=path)
    for one, two in zip(whole.encoder.parameters(), again.encoder.parameters(), strict=True):
        assert torch.equal(one, two)
    assert "3 variations of each of 40 images" in again.mixture


def test_a_view_scale_below_one_takes_all_views_along(brief, varied):
    config = replace(brief, generated_role=Multi(2), view_scales=(0.5, 1.0))
    assert all(np.isfinite(entry["loss"]) for entry in history(config, varied))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weight": -1.0}, r"generated_role.weight=-1.0 is outside \[0, inf\)"),
        ({"weight": float("nan")}, "generated_role.weight"),
    ],
)
def test_a_pull_without_sense_is_refused(changes, words):
    for kind in (Positive, ThirdView):
        with pytest.raises(ValueError, match=words):
            kind(**changes)


def test_what_is_no_role_here_is_refused_before_any_time_is_spent(brief, varied):
    with pytest.raises(ValueError, match=r"probability=1.2 is outside \[0, 1\]"):
        ReplaceView(1.2)
    with pytest.raises(ValueError, match=r"generated_role\.side='first'"):
        ReplaceView(0.5, "first")
    with pytest.raises(ValueError, match=r"generated_role\.positives = 0"):
        Multi(0)
    with pytest.raises(ValueError, match="'multi' is not defined for method='barlow'"):
        replace(brief, method=METHODS["barlow"](16, 8), generated_role=Multi())
    with pytest.raises(ValueError, match="is no role: give one of ROLES"):
        replace(brief, generated_role="positive")
    with pytest.raises(ValueError, match="needs variations of the images"):
        Run(replace(brief, generated_role=Positive()), varied.inflation)
    with pytest.raises(ValueError, match="holds variations of 40 images"):
        Varied(Inflation(coloured(39, 0)), pairs(40))
    assert set(ROLES) == {"positive", "third_view", "replace_view", "multi"}
