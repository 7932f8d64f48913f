"""The tool that puts a model into the package: what the card says is what is there."""

from functools import cache
from types import SimpleNamespace

import pytest
import ship_generator
import torch

from adainf_core.data.named_sets import load_images
from adainf_core.generators.diffusion import DiffusionGenerator
from adainf_core.generators.diffusion_config import DiffusionConfig
from adainf_core.generators.diffusion_training import train_diffusion

TINY = DiffusionConfig(
    widths=(16,), attention=(False,), blocks=1, batch_size=8, precision="fp32", device="cpu"
)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    place = tmp_path / "shipped"
    place.mkdir()
    monkeypatch.setattr(ship_generator, "SHIPPED", place)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    return place


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    """The words after the tool's name, for a model trained for so many steps."""

    @cache
    def trained(steps):
        folder = tmp_path_factory.mktemp("trained")
        run = folder / "run.pt"
        made = train_diffusion(load_images("digits"), TINY, steps, checkpoint=run)
        model = made.generator.save(folder / "model")
        return [str(model), "digits-8", "--data", "digits", "--checkpoint", str(run), "--n", "120"]

    return trained


def test_the_card_is_that_of_the_shipped_weights(arguments, shipped, monkeypatch, capsys):
    measured = []

    def report(real, made, **_):
        measured.append(made.images)
        return SimpleNamespace(table=lambda: "the table")

    monkeypatch.setattr(ship_generator, "gap_report", report)
    ship_generator.main(arguments(3))
    card = (shipped / "digits-8" / "README.md").read_text(encoding="utf-8")
    assert card.strip() == capsys.readouterr().out.strip()
    read = DiffusionGenerator.load(shipped / "digits-8", "cpu")
    assert (read.sample(120).images == measured[0]).all()
    n = len(load_images("digits"))
    for said in (read.digest(), f"{read.parameters:,}", f"all {n:,} training images of digits",
                 f"3 of 8 images ({24 / n:.1f} passes)", "the table"):  # fmt: skip
        assert said in card
    assert [path.name for path in shipped.iterdir()] == ["digits-8"]


def test_an_older_model_stays_until_the_new_one_is_whole(arguments, shipped, monkeypatch):
    words = arguments(3)
    (shipped / "digits-8").mkdir()
    (shipped / "digits-8" / "older").write_text("")

    def full(*_, **__):
        raise OSError("no space")

    real = DiffusionGenerator.load(words[0], "cpu")
    monkeypatch.setattr(DiffusionGenerator, "save", full)
    with pytest.raises(OSError, match="no space"):
        ship_generator.installed(real, shipped / "digits-8", "")
    assert (shipped / "digits-8" / "older").is_file()


def test_a_model_of_another_run_is_refused(arguments, shipped):
    words, other = arguments(3), arguments(4)
    with pytest.raises(ValueError, match="does not hold the weights of the checkpoint"):
        ship_generator.main([other[0], *words[1:]])
    with pytest.raises(ValueError, match="the run saw 7"):
        ship_generator.compared("digits", 8, 120, 7)
    assert not any(shipped.iterdir())
