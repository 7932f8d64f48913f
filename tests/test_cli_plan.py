"""`adainf plan`: its numbers, commands that the other words take, and errors in one line."""

import shlex

import numpy as np
import pytest
from photo_tiles import tiles
from PIL import Image

from adainf_core.advice import own_images as module
from adainf_core.advice.planning import ARMS, QUESTIONS, weigh
from adainf_core.cli import _parse, main
from adainf_core.configuration import override
from adainf_core.data.copies import find_copies
from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import paper_replication
from adainf_core.data.sprites import SpriteWorld
from adainf_core.evidence.runs.running import run_one
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.recipes import recipe


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, world, rng = tmp_path_factory.mktemp("plan"), SpriteWorld(), np.random.default_rng(0)
    for name, count in (("real", 60), ("test", 40)):
        images = world.sample(world.real_distribution(), count, rng)
        np.savez(folder / f"{name}.npz", images=images.images, labels=np.arange(count) % 4)
    larger = SpriteWorld(hues=12, places=5)  # so that next to none are alike
    fakes = larger.sample(larger.generated_distribution("background", 0.9), 250, rng)
    np.savez(folder / "fakes.npz", images=fakes.images)
    return folder


@pytest.fixture
def quick(monkeypatch):
    """The bound on the gap takes seconds: here it is not looked at."""
    monkeypatch.setattr("adainf_core.gap.image_tv.image_tv", lambda *sides, **options: "no bound")


def planned(folder, *more: str) -> list[str]:
    names = [str(folder / f"{name}.npz") for name in ("real", "fakes")]
    return ["plan", *names, "--test", str(folder / "test.npz"), "--batch-size", "32", *more]


def commands_in(out: str) -> list[list[str]]:
    lines = out.partition("Commands:\n")[2].splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("adainf")]


@pytest.mark.usefixtures("quick")
def test_the_table_is_that_of_the_sizes(folder, capsys):
    assert main(planned(folder, "--steps", "200", "--noise", "0.8")) == 0
    out = capsys.readouterr().out
    assert "real: 60 images of 16x16, 4 classes" in out and "test: 40 images" in out
    n_generated = len(find_copies(ImageSet.from_npz(folder / "fakes.npz").images).distinct)
    assert f"fakes: {n_generated} images" in out and "of 250 images repeat" in " ".join(out.split())
    own = paper_replication(60, n_generated)
    row = next(line for line in out.splitlines() if line.endswith("<- AdaInf")).split()
    expected = weigh(60, n_generated, own, 32, 200)
    assert int(row[0]) == own and float(row[1]) == pytest.approx(expected.beta, abs=5e-5)
    assert float(row[2]) == pytest.approx(expected.real_passes, abs=0.05)
    assert float(row[4]) == pytest.approx(expected.copies, abs=5e-5)
    assert "a noise of 0.80 points\n(as given)" in out
    assert max(map(len, out.partition("Commands:")[0].splitlines())) <= 79


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("method", ["simclr", "byol"])
def test_commands_parse_and_say_what_the_arms_are(folder, capsys, method):
    arguments = planned(folder, "--seeds", "2", "--method", method, "--replication", "3")
    assert main([*arguments, "pretrain.encoder=small_cnn"]) == 0
    imported, *runs = commands_in(capsys.readouterr().out)
    assert _parse(imported).source.name == "fakes.npz" and len(runs) == 2 * 2 * len(ARMS)
    store = str(folder / "fakes.images")
    official = recipe("cifar10", method, "none").pretrain.policy
    weaker = recipe("cifar10", method, "adainf", store).pretrain.policy
    assert weaker in POLICIES.values()
    for number, (trained, probed) in enumerate(zip(runs[::2], runs[1::2], strict=True)):
        options = _parse(trained)
        preset = recipe(options.dataset, options.method, options.preset, options.generated)
        chosen = override(preset, options.settings)
        arm, seed = list(ARMS)[number % 4], number // 4
        assert options.checkpoint.name == f"{arm}-{seed}.pt" == _parse(probed).checkpoint.name
        assert chosen.pretrain.seed == seed and chosen.pretrain.encoder == "small_cnn"
        assert chosen.pretrain.policy == (weaker if arm in ("weak", "adainf") else official)
        assert chosen.generated == (store if arm in ("vanilla", "adainf") else None)
        weights = {"none": None, "weak": None, "vanilla": 1, "adainf": 3}
        assert chosen.replication == weights[arm] and chosen.size == 16
        assert chosen.pretrain.batch_size == 32 and chosen.pretrain.steps == 100_000
        assert _parse(probed).test == str(folder / "test.npz")


@pytest.mark.usefixtures("quick")
def test_printed_commands_run_to_the_end(folder, capsys):
    """Import, train and probe one arm, by the words as they are printed."""
    arguments = planned(folder, "--seeds", "1", "--steps", "2")
    small = ["pretrain.encoder=small_cnn", "pretrain.width=4", "pretrain.device=cpu",
             "pretrain.precision=fp32"]  # fmt: skip
    assert main([*arguments, *small]) == 0
    imported, *runs = commands_in(capsys.readouterr().out)
    assert main(imported) == 0
    train, probe = runs[-2:]
    at = train.index("--checkpoint") + 1
    train[at] = probe[1] = str(folder / train[at])
    assert main(train) == 0
    assert main(probe[: probe.index("--protocol")] + ["--protocol", "knn"]) == 0
    assert "%" in capsys.readouterr().out
    # the store is there now: nothing is left to import
    assert main([*arguments[:2], str(folder / "fakes.images"), *arguments[3:], *small]) == 0
    assert all(words[0] != "generate" for words in commands_in(capsys.readouterr().out))


@pytest.mark.usefixtures("quick")
def test_photographs_of_many_sizes_are_planned_and_imported(folder, capsys, tmp_path):
    real = ImageSet.from_npz(folder / "real.npz")
    for number, (image, label) in enumerate(zip(real.images, real.labels, strict=True)):
        path = tmp_path / "photos" / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(image.transpose(1, 2, 0))
        picture.resize((20 + number % 7, 18 + number % 5)).save(path)
    photos, test = (str(path) for path in (tmp_path / "photos", folder / "test.npz"))
    fakes = tmp_path / "fakes.npz"
    fakes.write_bytes((folder / "fakes.npz").read_bytes())
    assert main(["data", "show", photos, "--size", "16"]) == 0
    assert main(["plan", photos, str(fakes), "--test", test, "--seeds", "1"]) == 0
    imported, *_ = commands_in(capsys.readouterr().out)
    assert main(imported) == 0
    assert "order " in capsys.readouterr().out


@pytest.mark.usefixtures("quick")
def test_run_compares_the_arms(folder, capsys, monkeypatch):
    def run_here(study, scale, **options):
        return [run_one(study, scale, *key) for key in study.plan(scale)]

    monkeypatch.setattr(module, "run_study", run_here)
    arguments = planned(folder, "--run", "--seeds", "2", "--steps", "1", "--probe", "knn")
    assert main([*arguments, "pretrain.width=4", "pretrain.device=cpu"]) == 0
    out = capsys.readouterr().out
    assert "Commands:" not in out and "noise " in out
    assert f"2 seeds of all arms decide none of the {len(QUESTIONS)} questions" in out


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--batch-size", "61"], "batch_size = 61 must be in 2..60, the real images"),
        (["--noise", "0"], "--noise: 0 has to be positive"),
        (["--steps", "0"], "--steps: 0 has to be at least 1"),
        (["--replication", "0"], "--replication: 0 has to be at least 1"),
        (["--seeds", "0"], "--seeds: 0 has to be at least 1"),
        (["--run", "--seeds", "1"], "--seeds 1: --run compares arms over two seeds or more"),
        (
            ["--run", "--probe", "online"],
            "--probe: invalid choice: 'online' (choose from 'linear', 'knn')",
        ),
        (["--method", "dino"], "method='dino' is unknown"),
        (["steps=5"], "the settings of a plan are of pretrain."),
        (["pretrain.policy=symmetric"], "a plan sets pretrain.policy itself"),
        (["pretrain.girth=3"], "unknown key 'pretrain.girth'"),
        (["--labels", "nowhere"], "unknown image set 'nowhere'"),
        (["--gap-images", "3"], "gap_images = 3 must be at least"),
    ],
)
def test_bad_input_is_one_line(folder, capsys, more, says):
    assert main(planned(folder, *more)) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1 and err.startswith("adainf: ")


@pytest.mark.usefixtures("quick")
def test_images_without_labels_get_a_plan_but_no_probes(folder, capsys, tmp_path):
    real = ImageSet.from_npz(folder / "real.npz")
    np.savez(tmp_path / "bare.npz", images=real.images)
    arguments = ["plan", str(tmp_path / "bare.npz"), str(folder / "fakes.npz"), "--seeds", "1"]
    assert main([*arguments, "--batch-size", "32"]) == 0
    commands = commands_in(capsys.readouterr().out)
    assert [words[0] for words in commands] == ["generate", *["pretrain"] * 4]
    assert main(arguments) == 0  # no batch is larger than the real images by itself
    out = capsys.readouterr().out
    assert "steps of 32," in out and "# nothing is labelled" in out
    assert main([*arguments, "--batch-size", "32", "--run", "--seeds", "2"]) == 2
    assert "no labels to decide by" in capsys.readouterr().err
    assert main([*arguments, "--batch-size", "32", "--labels", str(folder / "real.npz")]) == 0
    out = capsys.readouterr().out
    assert "--test TEST" in out and "# TEST: labelled images" in out


@pytest.mark.usefixtures("quick")
def test_copies_are_said_first(capsys, tmp_path):
    photographs = tiles()
    labels = np.arange(80) % 4
    np.savez(tmp_path / "ten.npz", images=np.repeat(photographs[:80], 10, 0),
             labels=np.repeat(labels, 10))  # fmt: skip
    np.savez(tmp_path / "fakes.npz", images=photographs[80:])
    np.savez(tmp_path / "own.npz", images=photographs[:80])
    np.savez(tmp_path / "half.npz", images=photographs[60:140])
    np.savez(tmp_path / "few.npz", images=photographs[100:140])

    def said(made):
        words = ["plan", str(tmp_path / "ten.npz"), str(tmp_path / made), "--seeds", "1"]
        assert main(words) == 0
        return capsys.readouterr().out

    out = said("fakes.npz")
    assert out.startswith("real         ten: 60 images of 32x32, 4 classes; copies: 720 of 800")
    assert "copies and all" in out and "no bound" in out
    out = said("own.npz")
    assert out.startswith("shared       the generated images are the real images themselves")
    assert "no distance is claimed" in out and "no bound" not in out
    out = said("half.npz")
    assert out.startswith("shared       20 of 80 generated images are copies of real ones\n")
    out = " ".join(said("few.npz").split())
    assert "no distance is claimed: 60 real and 40 generated images are too few" in out
