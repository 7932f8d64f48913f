"""Pairs from the command line: made, found and imported, and what does not fit in one line."""

import numpy as np
import pytest

from adainf_core.cli import main
from adainf_core.data.generated import GeneratedImages
from adainf_core.data.images import ImageSet
from adainf_core.data.paired import PairedImages
from adainf_core.gap.extractors import pixels
from adainf_core.gap.neighbours import cosine_neighbours
from adainf_core.generators.diffusion import DiffusionGenerator
from adainf_core.generators.diffusion_config import DiffusionConfig
from adainf_core.generators.variations import Mix, SDEdit, variations

RNG = np.random.default_rng(0)
REAL = RNG.integers(0, 256, (6, 3, 8, 8), np.uint8)
FAST = ["steps=4", "batch_size=5", "precision=fp32"]


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """Real images, a model, and generated images that belong to none of them."""
    folder = tmp_path_factory.mktemp("pairs")
    config = DiffusionConfig(widths=(16,), attention=(False,), device="cpu")
    unet = config.unet(8).eval().requires_grad_(False)
    DiffusionGenerator(unet, dict(config.scheduler().config), "m").save(folder / "model")
    np.savez(folder / "real.npz", images=REAL)
    np.savez(folder / "turned.npz", images=REAL[::-1])
    np.savez(folder / "large.npz", images=RNG.integers(0, 256, (6, 3, 16, 16), np.uint8))
    np.savez(folder / "made.npz", images=RNG.integers(0, 256, (40, 3, 8, 8), np.uint8))
    np.savez(folder / "pairs.npz", images=RNG.integers(0, 256, (6, 2, 8, 8, 3), np.uint8))
    return folder


@pytest.fixture
def here(zoo, monkeypatch, tmp_path):
    """The folder of each test, with the images and the model in it by name."""
    for path in zoo.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def vary(*more):
    return main(["generate", "vary", "model", "real.npz", "--store", "store", "--k", "3", *more])


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "way"),
    [
        ([], SDEdit(0.5)),
        (["--strength", "0.25"], SDEdit(0.25)),
        (["--way", "mix"], Mix(0.9)),
        (["--way", "mix", "--weight", "0.4"], Mix(0.4)),
    ],
)
def test_vary_fills_a_store_and_goes_on_with_it(words, way, capsys):
    assert vary(*words, *FAST, "--seed", "2", "--max-seconds", "0") == 0
    assert "18; the same command goes on" in capsys.readouterr().out
    with pytest.raises(ValueError, match="holds 5 of its 18 variations"):
        PairedImages.open("store")
    assert vary(*words, *FAST, "--seed", "2") == 0
    out = capsys.readouterr().out
    assert "pairs        3 variations of each of 6 images of real, 8x8 pixels" in out
    assert f"way.name = {way.name}" in out and "pairs.k = 3" in out
    pairs, real = PairedImages.open("store"), ImageSet.from_npz("real.npz")
    pairs.check_fits(real)
    generator = DiffusionGenerator.load("model", "cpu")
    generator = generator.using(kind="ddim", steps=4, batch_size=5, precision="fp32")
    draw = variations(generator, real, 3, way, seed=2)
    blocks = [draw(start, min(start + 5, 18)) for start in range(0, 18, 5)]
    assert np.array_equal(pairs.images, np.concatenate(blocks).reshape(6, 3, 3, 8, 8))


@pytest.mark.usefixtures("here")
def test_at_full_strength_it_is_what_generate_sample_makes(monkeypatch):
    assert vary("--strength", "1", *FAST) == 0
    sample = ["generate", "sample", "model", "--store", "sample", "--count", "18", "kind=ddim"]
    assert main([*sample, *FAST]) == 0
    same = (GeneratedImages.open(name).images for name in ("store", "sample"))
    assert np.array_equal(*same)
    assert np.array_equal(PairedImages.open("store").images[:, 0], GeneratedImages.open(
        "sample").images[::3])  # fmt: skip


@pytest.mark.usefixtures("here")
def test_pair_finds_the_nearest_generated_images():
    words = ["generate", "pair", "made.npz", "real.npz", "--store", "store", "--k", "2"]
    assert main([*words, "--extractor", "pixels"]) == 0
    made = ImageSet.from_npz("made.npz").images
    nearest = cosine_neighbours(pixels()(REAL), [pixels()(made)], 2)
    assert np.array_equal(PairedImages.open("store").images, made[nearest])


@pytest.mark.usefixtures("here")
def test_import_keeps_the_rows_of_an_archive(capsys):
    words = ["generate", "import", "pairs.npz", "--real", "real.npz", "--pairs", "2"]
    assert main(words) == 0 and main(words) == 0
    with np.load("pairs.npz") as archive:
        expected = archive["images"].transpose(0, 1, 4, 2, 3)
    assert np.array_equal(PairedImages.open("pairs.images").images, expected)
    assert "pairs.k = 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["vary", "model", "real.npz", "--k", "0"], "--k: 0 has to be at least 1"),
        (["vary", "model", "large.npz"], "large has images of 16x16 pixels, and model makes 8x8"),
        (["vary", "absent", "real.npz"], "no diffusion model can be read from 'absent'"),
        (["pair", "made.npz", "large.npz"], "large has images of 16x16 pixels, and made of 8x8"),
        (["pair", "made.npz", "real.npz", "--k", "41"], "k = 41 must be in 1..40, the images of"),
        (["import", "pairs.npz", "--real", "real.npz", "--pairs", "3"], "need (n, 3, h, w, 3)"),
        (["import", "made.npz", "--real", "real.npz", "--pairs", "2"],
         "made.npz holds 40 images, and 2 for each of 6 in real are 12"),
        (["import", "pairs.npz", "--real", "large.npz", "--pairs", "2"],
         "pairs.npz holds images of 8x8 pixels, and large of 16x16"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line_and_leaves_nothing(words, says, here, monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    before = sorted(here.iterdir())
    assert main(["generate", *words, "--store", "store"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line and sorted(here.iterdir()) == before


@pytest.mark.usefixtures("here")
def test_a_store_of_variations_of_others_is_not_continued(capsys):
    assert vary(*FAST, "--max-seconds", "0") == 0
    words = ["generate", "vary", "model", "turned.npz", "--store", "store", "--k", "3", *FAST]
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "of another origin (asked for pairs.real=" in line


@pytest.mark.usefixtures("here")
def test_a_conditional_model_varies_nothing(capsys):
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    unet = UNet2DModel(
        sample_size=8, block_out_channels=(32,), down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",), num_class_embeds=10,
    )  # fmt: skip
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained("classes")
    assert main(["generate", "vary", "classes", "real.npz", "--store", "store"]) == 2
    assert "classes is conditional on classes" in capsys.readouterr().err.splitlines()[-1]
