"""Variations: nothing of the image left is the sample, all of it the image, and by hand between."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from adainf_core.data.images import ImageSet
from adainf_core.data.paired import PairedImages
from adainf_core.generators.diffusion import DiffusionGenerator
from adainf_core.generators.diffusion_config import DiffusionConfig, Sampler, training_schedule
from adainf_core.generators.variations import Mix, SDEdit, variations, vary_to_store

TINY = DiffusionConfig(
    widths=(16, 32), attention=(False, True), blocks=1, precision="fp32", device="cpu"
)
REAL = ImageSet(np.random.default_rng(0).integers(0, 256, (4, 3, 8, 8), np.uint8), None, "real")
K = 3


def tiny(precision="fp32", **changes):
    config = replace(TINY, **changes)
    unet = config.unet(8).eval().requires_grad_(False)
    torch.nn.init.normal_(unet.conv_out.weight, std=0.3, generator=torch.Generator().manual_seed(1))
    sampler = Sampler("ddim", steps=10, batch_size=5, precision=precision)
    return DiffusionGenerator(unet, dict(config.scheduler().config), "tiny", sampler)


def noise(seed, index, part=0):
    """numpy's own Philox: the key is seed and image, the highest part of the counter the step."""
    stream = np.random.Generator(np.random.Philox(key=[seed, index], counter=[0, 0, 0, part]))
    return torch.from_numpy(stream.standard_normal((3, 8, 8), dtype=np.float32))[None]


def as_pixels(state):
    return (127.5 * (state[0] + 1)).clamp(0, 255).round().numpy()


def apart(images, others):
    return np.abs(images.astype(int) - others.astype(int)).max()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("way", [SDEdit(1.0), Mix(0.0)])
def test_with_nothing_of_the_image_it_is_the_sample_of_its_number_to_the_bit(way, precision):
    generator = tiny(precision)
    draw = variations(generator, REAL, K, way, seed=7)
    sample = generator.sample(len(REAL) * K, seed=7).images
    for start in range(0, len(sample), 5):
        stop = min(start + 5, len(sample))
        assert np.array_equal(draw(start, stop), sample[start:stop])


def test_strength_zero_gives_back_the_image_to_the_bit():
    images = variations(tiny(), REAL, K, SDEdit(0.0))(0, len(REAL) * K)
    assert np.array_equal(images, np.repeat(REAL.images, K, axis=0))


@pytest.mark.parametrize("prediction", ["v_prediction", "epsilon"])
@pytest.mark.parametrize(("strength", "steps"), [(0.1, 1), (0.3, 3), (0.5, 5), (0.9, 9)])
def test_sdedit_is_the_end_of_diffusers_own_ddim_from_the_noised_image(prediction, strength, steps):
    from diffusers import DDIMScheduler

    generator = tiny(prediction=prediction)
    made = variations(generator, REAL, K, SDEdit(strength), seed=3)(4, 6)
    training = training_schedule(generator.schedule)
    scheduler = DDIMScheduler(
        trained_betas=training.betas.tolist(),
        prediction_type=prediction,
        timestep_spacing="trailing",
    )
    scheduler.set_timesteps(10)
    for index, image in zip((4, 5), made, strict=True):
        clean = torch.from_numpy(REAL.images[index // K]).float()[None] / 127.5 - 1
        times = scheduler.timesteps[-steps:]
        state = scheduler.add_noise(clean, noise(3, index), times[:1])
        for time in times:
            output = generator.unet(state, time, return_dict=False)[0]
            state = scheduler.step(output, time, state, return_dict=False)[0]
        assert apart(image, as_pixels(state)) <= 1


def down(unet, state, time):
    """A U-Net as far as its middle block, and all that the way up needs."""
    embedding = unet.time_embedding(unet.time_proj(time[None]).to(state.dtype))
    hidden = unet.conv_in(state)
    skips = [hidden]
    for block in unet.down_blocks:
        hidden, kept = block(hidden, temb=embedding)
        skips += kept
    return unet.mid_block(hidden, embedding), skips, embedding


def up(unet, middle, skips, embedding):
    for block in unet.up_blocks:
        count = len(block.resnets)
        skips, own = skips[:-count], tuple(skips[-count:])
        middle = block(middle, own, embedding)
    return unet.conv_out(unet.conv_act(unet.conv_norm_out(middle)))


@pytest.mark.parametrize("weight", [0.0, 0.4, 0.9, 1.0])
def test_the_mix_is_two_passes_by_hand(weight):
    generator, seed, index = tiny(), 11, 7
    made = variations(generator, REAL, K, Mix(weight), seed)(index, index + 1)[0]
    squares = training_schedule(generator.schedule).alphas_cumprod
    clean = torch.from_numpy(REAL.images[index // K]).float()[None] / 127.5 - 1
    state = noise(seed, index)
    for step in range(10, 0, -1):
        time = torch.tensor(100 * step - 1)
        signal = squares[time]
        after = squares[time - 100] if step > 1 else torch.ones(())
        anchor = signal.sqrt() * clean + (1 - signal).sqrt() * noise(seed, index, int(time) + 1)
        own, skips, embedding = down(generator.unet, state, time)
        theirs, _, _ = down(generator.unet, anchor, time)
        output = up(generator.unet, (1 - weight) * own + weight * theirs, skips, embedding)
        found = signal.sqrt() * state - (1 - signal).sqrt() * output  # v-prediction
        rest = signal.sqrt() * output + (1 - signal).sqrt() * state
        state = after.sqrt() * found.clamp(-1, 1) + (1 - after).sqrt() * rest
    assert apart(made, as_pixels(state)) <= 1
    assert not generator.unet.mid_block._forward_hooks  # the model is as it was


@pytest.mark.parametrize("way", [SDEdit(0.5), Mix(0.9)])
def test_a_variation_is_a_function_of_image_seed_and_number(way):
    generator = tiny()
    draw = variations(generator, REAL, K, way, seed=1)
    whole = draw(0, 12)
    assert apart(np.concatenate([draw(i, i + 1) for i in range(12)]), whole) <= 1
    others = REAL.images.copy()
    others[1] = 255 - others[1]
    changed = variations(generator, replace(REAL, images=others), K, way, seed=1)(0, 12)
    touched = (changed != whole).reshape(4, K, -1).any(axis=(1, 2))
    assert touched.tolist() == [False, True, False, False]
    assert len(np.unique(whole.reshape(12, -1), axis=0)) == 12
    assert (variations(generator, REAL, K, way, seed=2)(0, 12) != whole).any()


@pytest.mark.parametrize("way", [SDEdit(0.5), Mix(0.9)])
def test_a_resumed_store_is_the_uninterrupted_one(way, tmp_path):
    generator = tiny()
    whole = vary_to_store(generator, REAL, tmp_path / "a" / "s", K, way, seed=4)
    finished = []
    while not finished or finished[-1] < 12:
        part = vary_to_store(generator, REAL, tmp_path / "b" / "s", K, way, seed=4, max_seconds=0)
        finished.append(len(part))
        if not part.complete:
            with pytest.raises(ValueError, match=rf"holds {len(part)} of its 12 variations"):
                PairedImages.open(tmp_path / "b" / "s")
    assert finished == [5, 10, 12]
    for name in ("images.npy", "meta.json"):
        first, second = ((tmp_path / side / "s" / name).read_bytes() for side in "ab")
        assert first == second
    pairs = PairedImages.open(whole.path)
    pairs.check_fits(REAL)
    draw = variations(generator, REAL, K, way, seed=4)
    for start, stop in ((0, 5), (5, 10), (10, 12)):
        assert np.array_equal(pairs.images.reshape(12, 3, 8, 8)[start:stop], draw(start, stop))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"k": 2}, "pairs.k=2 against 3"),
        ({"way": SDEdit(0.4)}, "way.strength=0.4 against 0.5"),
        ({"way": Mix()}, "way.name='mix' against 'sdedit'"),
        ({"seed": 1}, "seed=1 against 0"),
        ({"real": REAL.subset(np.array([1, 0, 2, 3]))}, "pairs.real="),
        ({"generator": tiny().using(steps=3)}, "sampler.steps=3 against 10"),
    ],
)
def test_a_store_of_other_variations_is_not_continued(change, named, tmp_path):
    given = {"generator": tiny(), "real": REAL, "path": tmp_path / "s", "k": K}
    vary_to_store(**given, max_seconds=0)
    with pytest.raises(ValueError, match="of another origin") as caught:
        vary_to_store(**given | change)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"k": 0}, "k = 0 must be at least 1"),
        ({"seed": -1}, "seed = -1 must be in 0"),
        ({"generator": tiny().using(kind="dpm-solver++")}, "kind=dpm-solver++: images are varied"),
        ({"real": ImageSet(np.zeros((2, 3, 16, 16), np.uint8), None, "large")},
         "large has images of 16x16 pixels, and tiny makes 8x8: bring the images to that size (-"),
    ],
)  # fmt: skip
def test_what_cannot_be_varied_is_one_line_before_a_store_is_begun(change, named, tmp_path):
    given = {"generator": tiny(), "real": REAL, "path": tmp_path / "s", "k": K}
    with pytest.raises(ValueError, match=re.escape(named)) as caught:
        vary_to_store(**given | change)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_a_model_without_a_middle_block_is_not_mixed():
    generator = tiny()
    generator.unet.mid_block = None
    with pytest.raises(ValueError, match="tiny has no middle block to mix in"):
        variations(generator, REAL, K, Mix())
    assert variations(generator, REAL, K, SDEdit(0.2))(0, 1).shape == (1, 3, 8, 8)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf"), "half"])
def test_dials_lie_between_0_and_1(value):
    with pytest.raises(ValueError, match="strength = "):
        SDEdit(value)
    with pytest.raises(ValueError, match="weight = "):
        Mix(value)
