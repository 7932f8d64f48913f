"""Sampling against distributions whose score is known, and models on disk."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from adainf_core.generators import diffusion, pipelines
from adainf_core.generators.diffusion import (
    DiffusionGenerator,
    UnverifiedModelWarning,
    sample_to_store,
)
from adainf_core.generators.diffusion_config import DiffusionConfig, Sampler
from adainf_core.generators.pipelines import shipped_generators

TINY = DiffusionConfig(
    widths=(16, 16), attention=(False, False), blocks=1, precision="fp32", device="cpu"
)


def tiny(seed=0, size=8):
    config = replace(TINY, seed=seed)
    unet = config.unet(size).eval().requires_grad_(False)
    schedule = dict(config.scheduler().config)
    return DiffusionGenerator(unet, schedule, "tiny", Sampler(steps=2, batch_size=4))


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
    with pytest.raises(ValueError, match=r"was changed \(unet/diffusion_pytorch_model"):
        DiffusionGenerator.load(folder)
    (folder / "sha256.json").unlink()
    with pytest.raises(ValueError, match="no diffusion model can be read"):
        DiffusionGenerator.load(folder)


def test_no_flipped_bit_passes_in_silence(tmp_path):
    folder = tiny().save(tmp_path / "model", card="# A card\n")
    random = np.random.default_rng(0)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) == 6
    for path in files:
        whole = path.read_bytes()
        for place, bit in zip(
            random.integers(len(whole), size=20), random.integers(8, size=20), strict=True
        ):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << bit
            path.write_bytes(flipped)
            with pytest.raises(ValueError, match="damaged or was changed") as caught:
                DiffusionGenerator.load(folder)
            assert path.name in str(caught.value) and "\n" not in str(caught.value)
        path.write_bytes(whole[:-1])
        with pytest.raises(ValueError, match=path.name):
            DiffusionGenerator.load(folder)
        path.write_bytes(whole)
    DiffusionGenerator.load(folder)


def test_files_that_joined_or_went_are_named(tmp_path):
    folder = tiny().save(tmp_path / "model", card="# A card\n")
    (folder / ".hidden").write_text("what a file manager leaves")
    DiffusionGenerator.load(folder)
    joined = folder / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    joined.write_text("{}")
    with pytest.raises(ValueError, match=joined.name):
        DiffusionGenerator.load(folder)
    joined.unlink()
    (folder / "README.md").unlink()
    with pytest.raises(ValueError, match=r"README\.md is not what was written.*or delete"):
        DiffusionGenerator.load(folder)


def test_the_digest_of_the_files_stands_in_the_store(tmp_path):
    folder = tiny().save(tmp_path / "model")
    noted = (folder / "sha256.json").read_bytes()
    read = DiffusionGenerator.load(folder, "cpu").using(steps=2, batch_size=4)
    store = sample_to_store(read, tmp_path / "store", 4)
    assert store.origin["files"] == read.files == hashlib.sha256(noted).hexdigest()
    listed = json.loads(noted)
    assert (
        listed["unet/config.json"]
        == hashlib.sha256((folder / "unet" / "config.json").read_bytes()).hexdigest()
    )
    assert len(listed) == 4
    # the same weights behind another configuration of the network
    changed = elsewhere(tmp_path / "changed", unet={"norm_eps": 0.1})
    pipelines.write_digests(changed)
    other = DiffusionGenerator.load(changed, "cpu").using(steps=2, batch_size=4)
    assert other.digest() == read.digest() and other.files != read.files
    with pytest.raises(ValueError, match="files"):
        sample_to_store(other, tmp_path / "store", 8)


def elsewhere(folder, unet=None, scheduler=None, index=None):
    """A model in a folder without digests, with changes to its JSON files."""
    tiny().save(folder)
    (folder / "sha256.json").unlink()
    for name, changes in (
        ("unet/config.json", unet),
        ("scheduler/scheduler_config.json", scheduler),
        ("model_index.json", index),
    ):
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | (changes or {})))
    return folder


def test_a_folder_made_elsewhere_is_read_with_a_word(tmp_path):
    folder = elsewhere(tmp_path / "model")
    with pytest.warns(UnverifiedModelWarning, match="model carries no digest of its files"):
        read = DiffusionGenerator.load(folder, "cpu")
    assert read.origin()["files"] == "none came with the model"
    assert read.digest() == tiny().digest() and "files" not in tiny().origin()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"scheduler": {"num_train_timestep": 200}}, "scheduler.num_train_timestep, which"),
        ({"scheduler": {"beta_scedule": "linear"}}, "scheduler.beta_scedule, which"),
        ({"unet": {"norm_epss": 0.1}}, "unet.norm_epss, which"),
        ({"index": {"vae": ["diffusers", "VQModel"]}}, "consists of scheduler, unet, vae"),
        ({"index": {"unett": ["diffusers", "UNet2DModel"]}}, "consists of scheduler, unet, unett"),
        ({"scheduler": {"num_train_timesteps": 10**11}}, "num_train_timesteps = 100000000000"),
        ({"unet": {"layers_per_block": 10**5}}, "layers_per_block = 100000"),
        ({"scheduler": {"prediction_type": "velocity"}}, "prediction_type = 'velocity'"),
        ({"scheduler": {"beta_schedule": "steps"}}, "steps is not implemented"),
        ({"scheduler": {"trained_betas": [0.1, 0.2]}}, "2 betas for 1000 noise levels"),
        ({"scheduler": {"beta_schedule": "linear", "beta_end": 1.0}}, "signal is used up"),
        ({"unet": {"sample_size": 33}}, "cannot take images of its own sample_size, 33"),
    ],
)
def test_what_diffusers_would_pass_over_or_fail_at_later_is_refused(changes, named, tmp_path):
    folder = elsewhere(tmp_path / "model", **changes)
    with pytest.raises(ValueError, match=named) as caught:
        DiffusionGenerator.load(folder, "cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::adainf_core.generators.diffusion.UnverifiedModelWarning")
def test_a_pipeline_of_odd_size_is_sampled_where_its_network_takes_it(tmp_path):
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    unet = UNet2DModel(
        sample_size=33, block_out_channels=(16,), norm_num_groups=16, layers_per_block=1,
        down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",),
    )  # fmt: skip
    schedule = DDPMScheduler(beta_schedule="sigmoid", num_train_timesteps=500)
    DDPMPipeline(unet, schedule).save_pretrained(tmp_path / "model")
    for kind in ("dpm-solver++", "ddim"):
        read = DiffusionGenerator.load(tmp_path / "model", "cpu").using(kind=kind, steps=3)
        assert read.sample(2).images.shape == (2, 3, 33, 33)


def test_a_sampler_that_does_not_suit_begins_no_store(tmp_path):
    for sampler, named in (
        ({"kind": "ddim", "steps": 1001}, "steps=1001 of ddim"),
        ({"batch_size": 10**12}, "a batch of 1,000,000,000,000 images of 8x8 would take"),
    ):
        generator = tiny().using(**sampler)
        with pytest.raises(ValueError, match=named):
            sample_to_store(generator, tmp_path / "store", 10**12)
        with pytest.raises(ValueError, match=named):
            generator.sample(10**12)
        assert not list(tmp_path.iterdir())


def test_broken_weights_make_no_images():
    generator = tiny()
    generator.unet.conv_in.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="tiny makes images that are not finite"):
        generator.sample(1)


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
    from diffusers import DDPMPipeline, HeunDiscreteScheduler, ScoreSdeVeScheduler, UNet2DModel

    unet = UNet2DModel.from_config(dict(tiny().unet.config))
    DDPMPipeline(unet, ScoreSdeVeScheduler()).save_pretrained(tmp_path / "model")
    with pytest.raises(ValueError, match="schedule without beta_schedule"):
        DiffusionGenerator.load(tmp_path / "model")
    schedule = HeunDiscreteScheduler(beta_schedule="exp")
    DDPMPipeline(unet, schedule).save_pretrained(tmp_path / "exp")
    with pytest.raises(ValueError, match=r"cannot be made \(exp is not implemented"):
        DiffusionGenerator.load(tmp_path / "exp")


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
    noise = diffusion.image_noise(3, 4, 7, (3, 2, 2))[0]
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
        assert (folder / pipelines.DIGESTS).is_file()
        assert sum(path.stat().st_size for path in folder.rglob("*")) <= 20e6
        card = (folder / "README.md").read_text(encoding="utf-8")
        generator = DiffusionGenerator.load(name, device="cpu")
        assert f"{generator.parameters:,}" in card and generator.digest() in card
