"""Sampling against distributions whose score is known, and models on disk."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from adainf_core.generators import diffusion, pipelines
from adainf_core.generators.diffusion import DiffusionGenerator, sample_to_store
from adainf_core.generators.diffusion_config import DiffusionConfig, Sampler
from adainf_core.generators.pipelines import shipped_generators

TINY = DiffusionConfig(widths=(16, 16), attention=(False, False), precision="fp32", device="cpu")


def tiny(seed=0, size=8):
    config = replace(TINY, seed=seed)
    unet = config.unet(size).eval().requires_grad_(False)
    schedule = dict(config.scheduler().config)
    return DiffusionGenerator(unet, schedule, "tiny", Sampler(steps=2, batch_size=4))


class GaussianScore(nn.Module):
    """The exact prediction where clean pixels are independent N(mean, std²)."""

    def __init__(self, config, mean, std):
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(()), requires_grad=False)
        self.config = SimpleNamespace(sample_size=4, in_channels=3)
        self.levels = config.scheduler().alphas_cumprod
        self.prediction, self.mean, self.std = config.prediction, mean, std

    def forward(self, noisy, time, return_dict=False):
        square = self.levels[int(time)]
        alpha, sigma = square.sqrt(), (1 - square).sqrt()
        gain = alpha * self.std**2 / (alpha**2 * self.std**2 + sigma**2)
        clean = self.mean + gain * (noisy - alpha * self.mean)
        noise = (noisy - alpha * clean) / sigma
        if self.prediction == "epsilon":
            return (noise,)
        return (alpha * noise - sigma * clean,)


@pytest.mark.parametrize("prediction", ["v_prediction", "epsilon"])
@pytest.mark.parametrize("kind", ["dpm-solver++", "ddim"])
def test_exact_scores_give_the_distribution_back(kind, prediction):
    # the cosine schedule ends in pure noise, of which epsilon says nothing
    schedule = "linear" if prediction == "epsilon" else "squaredcos_cap_v2"
    config = replace(TINY, prediction=prediction, schedule=schedule)
    mean, std = -0.3, 0.2
    sampler = Sampler(kind, steps=100, batch_size=500, precision="fp32")
    score = GaussianScore(config, mean, std)
    generator = DiffusionGenerator(score, dict(config.scheduler().config), "gaussian", sampler)
    pixels = generator.sample(500).images / 127.5 - 1
    # 24,000 pixels: standard errors 0.0013 and 0.0009; the first-order solver's own error is of
    # the size of a step, one part in a hundred of a range of log ratios of about ten
    assert pixels.mean() == pytest.approx(mean, abs=0.006)
    assert pixels.std() == pytest.approx(std, abs=0.005 if kind == "dpm-solver++" else 0.02)


def test_the_second_order_solver_needs_fewer_steps():
    config = replace(TINY, prediction="v_prediction")
    score = GaussianScore(config, 0.1, 0.3)
    errors = {}
    for kind in ("dpm-solver++", "ddim"):
        sampler = Sampler(kind, steps=10, batch_size=500, precision="fp32")
        generator = DiffusionGenerator(score, dict(config.scheduler().config), "g", sampler)
        errors[kind] = abs((generator.sample(500).images / 127.5 - 1).std() - 0.3)
    assert errors["dpm-solver++"] < errors["ddim"] / 2


def test_an_image_depends_on_its_index_and_the_seed_alone():
    generator = tiny()
    some = generator.sample(10, seed=3).images
    assert (generator.sample(6, seed=3).images[:4] == some[:4]).all()
    # alone in its batch an image may differ by rounding
    alone = generator.draw(6, 7, seed=3)[0]
    assert np.abs(alone.astype(int) - some[6]).max() <= 1
    assert len(np.unique(some.reshape(10, -1), axis=0)) == 10
    assert (generator.sample(4, seed=4).images != some[:4]).any()


def test_samples_are_unlabelled_and_leave_the_random_state_alone():
    state = torch.random.get_rng_state()
    images = tiny().sample(3)
    assert images.labels is None and images.images.shape == (3, 3, 8, 8)
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_saved_model_makes_the_same_images(tmp_path):
    generator = tiny()
    generator.save(tmp_path / "model", card="# A card\n")
    read = DiffusionGenerator.load(tmp_path / "model", device="cpu")
    assert read.digest() == generator.digest() and read.parameters == generator.parameters
    ours, theirs = (
        g.using(steps=2, batch_size=4, precision="fp32").sample(4).images for g in (generator, read)
    )
    assert np.abs(ours.astype(int) - theirs).max() <= 1  # another kernel for group norms
    assert (tmp_path / "model" / "README.md").read_text() == "# A card\n"
    read.save(tmp_path / "again")
    for written in (tmp_path / "again").rglob("*.json"):  # no folder of this machine in it
        assert str(tmp_path) not in written.read_text()
    files = {path.suffix for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert files == {".json", ".safetensors", ".md"}  # nothing that is unpickled
    with pytest.raises(FileExistsError, match="model"):
        generator.save(tmp_path / "model")


def test_half_precision_halves_the_file(tmp_path):
    generator = tiny()
    sizes = []
    for half in (False, True):
        folder = generator.save(tmp_path / str(half), half=half)
        sizes.append(sum(path.stat().st_size for path in folder.rglob("*.safetensors")))
    assert 0.45 < sizes[1] / sizes[0] < 0.6
    assert generator.unet.conv_in.weight.dtype == torch.float32  # the generator is untouched


def test_the_digest_tells_models_and_schedules_apart():
    generator = tiny()
    other = replace(generator, schedule=generator.schedule | {"prediction_type": "epsilon"})
    assert len({generator.digest(), other.digest(), tiny(seed=1).digest()}) == 3


@pytest.mark.parametrize("name", ["nobody/no-such-model", "missing-folder"])
def test_a_model_that_is_not_there_is_one_clear_error(name, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=rf"{name}.*adainf generate train") as caught:
        DiffusionGenerator.load(name)
    assert "\n" not in str(caught.value)


def test_a_damaged_model_is_one_clear_error(tmp_path):
    folder = tiny().save(tmp_path / "model")
    weights = next(folder.rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ValueError, match="no diffusion model can be read"):
        DiffusionGenerator.load(folder)


def test_a_model_of_grey_images_is_refused(tmp_path):
    folder = tiny().save(tmp_path / "model")
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    unet = UNet2DModel(
        sample_size=8, in_channels=1, out_channels=1, block_out_channels=(16,), norm_num_groups=16,
        down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",), layers_per_block=1,
    )  # fmt: skip
    grey = tmp_path / "grey"
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(grey)
    assert json.loads((grey / "model_index.json").read_text()) == json.loads(
        (folder / "model_index.json").read_text()
    )
    with pytest.raises(ValueError, match="in_channels = 1"):
        DiffusionGenerator.load(grey)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"out_channels": 6}, "out_channels = 6"),
        ({"sample_size": None}, "sample_size"),
        ({"num_class_embeds": 10}, "conditional on classes"),
        ({"class_embed_type": "timestep"}, "conditional on classes"),
    ],
)
def test_networks_that_cannot_be_sampled_here_are_refused(changed, named, tmp_path):
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    settings = {key: value for key, value in tiny().unet.config.items() if key[0] != "_"}
    unet = UNet2DModel(**(settings | changed))
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(tmp_path / "model")
    with pytest.raises(ValueError, match=f"{named}.*name an unconditional"):
        DiffusionGenerator.load(tmp_path / "model")


def test_schedules_that_no_sampler_here_knows_are_refused(tmp_path):
    from diffusers import DDPMPipeline, ScoreSdeVeScheduler, UNet2DModel

    unet = UNet2DModel.from_config(dict(tiny().unet.config))
    DDPMPipeline(unet, ScoreSdeVeScheduler()).save_pretrained(tmp_path / "model")
    with pytest.raises(ValueError, match="schedule without beta_schedule"):
        DiffusionGenerator.load(tmp_path / "model")


def test_a_folder_named_like_a_shipped_model_is_not_shadowed(tmp_path, monkeypatch):
    (tmp_path / "shipped").mkdir()
    tiny().save(tmp_path / "shipped" / "sprites")
    monkeypatch.setattr(pipelines, "SHIPPED", tmp_path / "shipped")
    monkeypatch.chdir(tmp_path)
    shipped = DiffusionGenerator.load("sprites")
    (tmp_path / "sprites").mkdir()  # no model: nothing to be mistaken for
    assert DiffusionGenerator.load("sprites").digest() == shipped.digest()
    (tmp_path / "sprites").rmdir()
    own = tiny(seed=1).save(tmp_path / "sprites")
    with pytest.raises(ValueError, match=r"say \./sprites"):
        DiffusionGenerator.load("sprites")
    for name in ("./sprites", own.relative_to(tmp_path)):
        assert DiffusionGenerator.load(name).digest() == tiny(seed=1).digest()


def test_seeds_are_of_64_bits_and_checked_before_a_store_is_made(tmp_path):
    generator = tiny()
    top = generator.sample(1, seed=2**64 - 1).images
    assert (top != generator.sample(1, seed=2**63).images).any()
    for seed in (-1, 2**64, 0.5):
        with pytest.raises(ValueError, match="seed = "):
            generator.sample(1, seed=seed)
        with pytest.raises(ValueError, match="seed = "):
            sample_to_store(generator, tmp_path / "store", 1, seed=seed)
        with pytest.raises(ValueError, match="seed = "):
            replace(TINY, seed=seed)
    assert not (tmp_path / "store").exists()
    # the noise of a seed is what it was when published: numpy's own Philox keyed by two numbers
    stream = np.random.Generator(np.random.Philox(key=[7, 3]))
    noise = diffusion._noise(3, 4, 7, (3, 2, 2))[0]
    assert (noise == stream.standard_normal((3, 2, 2), dtype=np.float32)).all()


@pytest.mark.parametrize(
    ("change", "named"),
    [({"kind": "euler"}, "euler"), ({"steps": 0}, "steps"), ({"batch_size": 0}, "batch_size"),
     ({"precision": "fp8"}, "fp8")],
)  # fmt: skip
def test_bad_samplers_are_refused(change, named):
    with pytest.raises(ValueError, match=named):
        Sampler(**change)


def test_a_store_grows_and_refuses_what_is_not_its_own(tmp_path):
    generator = tiny()
    first = sample_to_store(generator, tmp_path / "store", 8, seed=1)
    more = sample_to_store(generator, tmp_path / "store", 12, seed=1)
    assert (more.images[:8] == first.images).all()
    assert (more.images == generator.sample(12, seed=1).images).all()
    for other, seed, named in (
        (generator, 2, "seed"),
        (generator.using(steps=3), 1, "steps"),
        (tiny(seed=1), 1, "model"),
    ):
        with pytest.raises(ValueError, match=named):
            sample_to_store(other, tmp_path / "store", 12, seed=seed)


def test_shipped_models_say_what_they_are():
    for name, folder in shipped_generators().items():
        assert sum(path.stat().st_size for path in folder.rglob("*")) <= 20e6
        card = (folder / "README.md").read_text(encoding="utf-8")
        generator = DiffusionGenerator.load(name, device="cpu")
        assert f"{generator.parameters:,}" in card and generator.digest() in card
