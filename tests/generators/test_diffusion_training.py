"""Training a diffusion model: what is learnt, what is refused, and going on where it stopped."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from adainf_core.data.images import ImageSet
from adainf_core.generators import diffusion_training
from adainf_core.generators.diffusion import DiffusionGenerator
from adainf_core.generators.diffusion_config import DiffusionConfig, training_schedule
from adainf_core.generators.diffusion_training import _Run, cached_diffusion, train_diffusion

TINY = DiffusionConfig(
    widths=(16,), attention=(False,), blocks=1, batch_size=8, warmup=2, precision="fp32",
    device="cpu",
)  # fmt: skip
TWO = replace(TINY, widths=(16, 16), attention=(False, False))


def stripes(count=64, size=4):
    """Two kinds of image: left half bright, or right half bright."""
    images = np.zeros((count, 3, size, size), np.uint8)
    images[::2, :, :, : size // 2] = 220
    images[1::2, :, :, size // 2 :] = 220
    return ImageSet(images, None, "stripes")


def weights(trained):
    return torch.cat([p.flatten() for p in trained.generator.unet.parameters()])


def test_a_distribution_of_two_images_is_learnt(monkeypatch):
    monkeypatch.setattr(diffusion_training, "_HISTORY", 30)
    config = replace(
        TINY, widths=(32,), attention=(False,), batch_size=16, warmup=20, learning_rate=2e-3
    )
    trained = train_diffusion(stripes(), config, 150)
    assert trained.history[-1]["loss"] < trained.history[0]["loss"] / 2
    images = trained.generator.using(steps=10, precision="fp32").sample(40).images.astype(int)
    kinds = stripes(2).images.astype(int)
    distances = np.abs(images[:, None] - kinds[None]).mean((2, 3, 4))
    assert np.median(distances.min(1)) < 30  # of 255; the mean of the two is at 110 from either
    assert 8 <= (distances.argmin(1) == 0).sum() <= 32  # both are made: 4 deviations of 40 coins


def test_a_run_in_parts_ends_in_the_same_bits(tmp_path):
    whole = train_diffusion(stripes(), TINY, 7)
    path = tmp_path / "run.pt"
    train_diffusion(stripes(), TINY, 3, checkpoint=path)
    first = train_diffusion(stripes(), TINY, 7, checkpoint=path, max_seconds=0)
    assert (first.steps, first.finished) == (4, False)  # a step at least
    parts = train_diffusion(stripes(), TINY, 7, checkpoint=path)
    assert parts.finished and torch.equal(weights(whole), weights(parts))
    again = train_diffusion(stripes(), TINY, 7, checkpoint=path)  # nothing left to do
    assert torch.equal(weights(whole), weights(again))


def test_the_generator_is_the_average_of_the_weights():
    run = _Run(stripes(), TINY)
    expected = [p.detach().clone() for p in run.unet.parameters()]
    for step in range(1, 5):
        run.advance()
        keep = 0 if step == 1 else 1 - step ** (-2 / 3)
        expected = [
            keep * old + (1 - keep) * new
            for old, new in zip(expected, run.unet.parameters(), strict=True)
        ]
    found = run.generator().unet.parameters()
    for ours, theirs in zip(expected, found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_targets_are_those_of_the_papers():
    for prediction in ("epsilon", "v_prediction"):
        run = _Run(stripes(), replace(TINY, prediction=prediction))
        clean, levels, noise = run._batch()
        seen = {}

        def model(noisy, given, return_dict, seen=seen):
            seen["noisy"], seen["levels"] = noisy, given
            return (torch.zeros_like(noisy, requires_grad=True),)

        run.model = model
        run.advance()
        square = run.scheduler.alphas_cumprod[levels].view(-1, 1, 1, 1)
        alpha, sigma = square.sqrt(), (1 - square).sqrt()
        torch.testing.assert_close(seen["noisy"], alpha * clean + sigma * noise)
        target = noise if prediction == "epsilon" else alpha * noise - sigma * clean
        torch.testing.assert_close(run.total, target.square().mean())


def test_noise_levels_cover_the_schedule_evenly():
    run = _Run(stripes(), replace(TINY, batch_size=10))
    for _ in range(3):
        _, levels, _ = run._batch()
        assert sorted(set((levels // 100).tolist())) == list(range(10))
        run.step += 1


def test_steps_draw_differently_and_seeds_too():
    run, other = _Run(stripes(), TINY), _Run(stripes(), replace(TINY, seed=1))
    first = run._batch()
    assert all(torch.equal(a, b) for a, b in zip(first, run._batch(), strict=True))
    run.step = 1
    assert not torch.equal(first[2], run._batch()[2])
    assert not torch.equal(first[2], other._batch()[2])


def test_what_else_draws_random_numbers_is_left_alone():
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    train_diffusion(stripes(), TINY, 1)
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("schedule", ["squaredcos_cap_v2", "linear"])
def test_levels_that_are_trained_are_those_that_are_saved_and_sampled(schedule, tmp_path):
    from diffusers import DDPMPipeline

    config = replace(TINY, schedule=schedule, noise_levels=200, prediction="epsilon")
    run = _Run(stripes(), config)
    trained = run.scheduler.alphas_cumprod
    made = run.generator()
    read = DiffusionGenerator.load(made.save(tmp_path / "model"), "cpu")
    theirs = DDPMPipeline.from_pretrained(tmp_path / "model").scheduler
    assert len(trained) == 200 and trained[-1] < 1e-3
    assert torch.equal(theirs.alphas_cumprod, trained)
    for generator in (made, read):
        for kind in ("dpm-solver++", "ddim"):
            sampler = replace(generator.sampler, kind=kind).scheduler(generator.schedule)
            assert max(sampler.timesteps) == 199
        assert torch.equal(training_schedule(generator.schedule).alphas_cumprod, trained)
        assert generator.schedule["num_train_timesteps"] == 200
        assert generator.schedule["prediction_type"] == "epsilon"
    assert made.digest() == read.digest()


def test_the_linear_schedule_of_a_thousand_levels_is_that_of_the_paper():
    betas = replace(TINY, schedule="linear").scheduler().betas
    assert torch.equal(betas, torch.linspace(1e-4, 0.02, 1000))


@pytest.mark.parametrize(
    "change",
    [{"blocks": 100_000, "widths": (256, 256)}, {"widths": (16, 16 * 10**9)},
     {"batch_size": 10**12}],
)  # fmt: skip
def test_networks_and_batches_beyond_memory_are_refused(change):
    with pytest.raises(
        ValueError, match=r"training with widths=.* would take [\d,.]+ GB of memory"
    ):
        train_diffusion(stripes(), replace(TWO, **change), 1)


@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("widths", [(16,), (32, 64), (64, 32, 48)])
def test_the_memory_that_is_refused_is_less_than_what_training_takes(widths, blocks):
    config = replace(TINY, widths=widths, attention=(False,) * len(widths), blocks=blocks)
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in config.unet(8).parameters())
    none = replace(config, batch_size=1).training_bytes(0)  # images of no pixels
    assert 0.2 * 20 * count < none < 20 * count


def test_checkpoints_of_other_runs_are_refused(tmp_path):
    path = tmp_path / "run.pt"
    train_diffusion(stripes(), TINY, 2, checkpoint=path)
    other = ImageSet(255 - stripes().images, None, "negatives")
    for images, config, named in (
        (other, TINY, "images.hash"),
        (stripes(), replace(TINY, learning_rate=1e-4), "learning_rate"),
    ):
        with pytest.raises(ValueError, match=named):
            train_diffusion(images, config, 3, checkpoint=path)
    with pytest.raises(ValueError, match="step 2 already"):
        train_diffusion(stripes(), TINY, 1, checkpoint=path)
    train_diffusion(stripes(), replace(TINY, device=None), 3, checkpoint=path)  # where is free
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="damaged"):
        train_diffusion(stripes(), TINY, 3, checkpoint=path)


def test_a_loss_that_explodes_is_an_error_and_keeps_the_checkpoint(tmp_path):
    path = tmp_path / "run.pt"
    train_diffusion(stripes(), TINY, 1, checkpoint=path)
    before = path.read_bytes()
    run = _Run(stripes(), TINY)
    run.restore(path)
    run.total = torch.tensor(float("nan"))
    with pytest.raises(FloatingPointError, match="learning_rate"):
        run.save(path)
    assert path.read_bytes() == before


def test_no_model_of_broken_weights_is_returned_or_kept(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    train_diffusion(stripes(), TINY, 1, checkpoint=path)
    before, advance = path.read_bytes(), _Run.advance

    def broken(run):
        advance(run)
        with torch.no_grad():
            next(run.unet.parameters())[0, 0, 0, 0] = float("nan")

    monkeypatch.setattr(_Run, "advance", broken)
    for checkpoint in (None, path):  # the loss of the one step is finite, its weights are not
        with pytest.raises(FloatingPointError, match="weights stopped being finite by step"):
            train_diffusion(stripes(), TINY, 2 if checkpoint else 1, checkpoint=checkpoint)
    assert path.read_bytes() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_the_run_which_then_goes_on(number, tmp_path, monkeypatch):
    path, advance = tmp_path / "run.pt", _Run.advance
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    def struck(run):
        advance(run)
        if run.step == 2:
            signal.raise_signal(number)

    monkeypatch.setattr(_Run, "advance", struck)
    if number == signal.SIGINT:
        with pytest.raises(KeyboardInterrupt, match=r"2 of 5 steps.*the same call goes on"):
            train_diffusion(stripes(), TINY, 5, checkpoint=path)
    else:
        stopped = train_diffusion(stripes(), TINY, 5, checkpoint=path)
        assert (stopped.steps, stopped.finished) == (2, False)
    assert handlers == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    monkeypatch.setattr(_Run, "advance", advance)
    parts = train_diffusion(stripes(), TINY, 5, checkpoint=path)
    assert torch.equal(weights(parts), weights(train_diffusion(stripes(), TINY, 5)))


def test_an_unfinished_model_never_enters_the_cache(tmp_path, monkeypatch):
    advance = _Run.advance

    def struck(run):
        advance(run)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(_Run, "advance", struck)
    with pytest.raises(InterruptedError, match="terminated after 1 of 3 steps"):
        cached_diffusion(stripes(), TINY, 3, tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".pt"]
    monkeypatch.setattr(_Run, "advance", advance)
    made = cached_diffusion(stripes(), TINY, 3, tmp_path)
    assert made.digest() == cached_diffusion(stripes(), TINY, 3).digest()


def test_every_image_counts_in_the_fingerprint(tmp_path):
    path, images = tmp_path / "run.pt", stripes(count=1000)
    train_diffusion(images, TINY, 1, checkpoint=path)
    changed = images.images.copy()
    changed[501, 0, 0, 0] ^= 1
    with pytest.raises(ValueError, match=r"images\.hash"):
        train_diffusion(ImageSet(changed, None, "stripes"), TINY, 2, checkpoint=path)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"widths": (16, 20)}, "widths"), ({"attention": (True,)}, "attention"),
     ({"prediction": "x0"}, "x0"), ({"schedule": "sigmoid"}, "sigmoid"),
     ({"precision": "fp16"}, "fp16"), ({"device": "tpu"}, "tpu"), ({"batch_size": 0}, "batch_size"),
     ({"learning_rate": 0.0}, "learning_rate"), ({"blocks": 0}, "blocks"),
     ({"widths": (16,) * 5000}, "number of widths = 5000")],
)  # fmt: skip
def test_bad_settings_are_refused(change, named):
    with pytest.raises(ValueError, match=named):
        replace(TWO, **change)


def test_images_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="multiple of 2"):
        train_diffusion(ImageSet(np.zeros((4, 3, 9, 9), np.uint8), None, "odd"), TWO, 1)
    with pytest.raises(ValueError, match="8x6"):
        train_diffusion(ImageSet(np.zeros((4, 3, 8, 6), np.uint8), None, "oblong"), TWO, 1)


def test_a_cache_keeps_the_model_and_nothing_else(tmp_path):
    made = cached_diffusion(stripes(), TINY, 2, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [made.name]
    read = cached_diffusion(stripes(), replace(TINY, compile=False), 2, tmp_path)
    bare = cached_diffusion(stripes(), TINY, 2)
    assert made.digest() == read.digest() == bare.digest()
    for images, config, steps in (
        (stripes(), TINY, 3),
        (stripes(), replace(TINY, seed=1), 2),
        (ImageSet(255 - stripes().images, None, "negatives"), TINY, 2),
    ):
        assert cached_diffusion(images, config, steps, tmp_path).digest() != made.digest()
    assert len(list(tmp_path.iterdir())) == 4


def test_one_of_two_makes_the_model_and_the_other_waits(tmp_path, monkeypatch):
    advance, taken = _Run.advance, []

    def slow(run):
        taken.append(run.step)
        time.sleep(0.05)
        advance(run)

    monkeypatch.setattr(_Run, "advance", slow)
    monkeypatch.setattr(diffusion_training, "_LOOK", 0.01)
    with ThreadPoolExecutor(2) as both:  # locks are between threads as between processes
        asked = [both.submit(cached_diffusion, stripes(), TINY, 4, tmp_path) for _ in "ab"]
        one, other = (future.result() for future in asked)
    assert one.digest() == other.digest() and taken == [0, 1, 2, 3]
    assert [path.name for path in tmp_path.iterdir()] == [one.name]


def test_what_a_run_killed_at_its_very_end_left_is_removed(tmp_path):
    made = cached_diffusion(stripes(), TINY, 2, tmp_path)
    (tmp_path / f"{made.name}.pt").write_bytes(b"its last checkpoint")
    cached_diffusion(stripes(), TINY, 2, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [made.name]
