"""`adainf plan`: its numbers, commands that the other words take, and errors in one line."""

import subprocess
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from photo_tiles import tiles
from PIL import Image

from adainf_core.advice import own_study as module
from adainf_core.advice.designing import Cost, Design
from adainf_core.advice.planning import (
    ARMS,
    QUESTIONS,
    found_difference,
    noise_on,
    paired_noise,
    weigh,
)
from adainf_core.advice.proposing import Proposal
from adainf_core.cli import _parse, main, plan
from adainf_core.cli.plan_run import going_on
from adainf_core.cli.plan_words import spell
from adainf_core.configuration import override
from adainf_core.data.copies import find_copies
from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import paper_replication
from adainf_core.data.sprites import SpriteWorld
from adainf_core.evidence.runs.one_run import run_one
from adainf_core.evidence.runs.running import cores
from adainf_core.learning.methods import METHODS
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.recipes import recipe

pytestmark = pytest.mark.usefixtures("few_penalties")

#: A step, the rest of a run, the start of a process.
COST = Cost(0.05, 2.0, 3.0)


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
    """The bound on the gap and the timing take seconds: here nothing is looked at or timed."""
    monkeypatch.setattr("adainf_core.gap.image_tv.image_tv", lambda *sides, **options: "no bound")
    timed = {"measured": COST, "faster_precision": "bf16"}
    for name, found in timed.items():
        monkeypatch.setattr(f"adainf_core.advice.proposing.{name}", lambda *_, f=found, **__: f)
    for name, found in {"step_multiply_adds": 4e12, "step_seconds": 60.0}.items():
        monkeypatch.setattr(f"adainf_core.advice.timing.{name}", lambda *_, f=found, **__: f)


def planned(folder, *more: str) -> list[str]:
    names = [str(folder / f"{name}.npz") for name in ("real", "fakes")]
    return ["plan", *names, "--test", str(folder / "test.npz"), "--batch-size", "32", *more]


def commands_in(out: str) -> list[list[str]]:
    """The words of each command that a shell runs, given what is printed."""
    stub = r"""adainf() { printf '%s\x1f' "$@"; printf '\x1e'; }"""
    script = stub + "\n" + out.partition("Commands:\n")[2]
    ran = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    return [words.split("\x1f")[:-1] for words in ran.stdout.split("\x1e")[:-1]]


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
    assert "a noise of 0.80 points (as given)" in out
    # what it costs stands first: 200 steps and what is besides, five seeds of four arms
    flat = " ".join(out.split())
    assert flat.startswith("a run 200 steps of 32 images, small_cnn of width 16, fp32: about 12 s")
    assert f"20 runs, {spell(cores())} side by side: about" in flat
    lines = out.partition("Commands:")[0].splitlines()
    assert all(len(line) <= 79 or len(line.split()) == 1 for line in lines)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("method", ["simclr", "byol"])
def test_commands_parse_and_say_what_the_arms_are(folder, capsys, method):
    arguments = planned(folder, "--seeds", "2", "--method", method, "--replication", "3")
    assert main([*arguments, "--scale", "paper", "pretrain.encoder=small_cnn"]) == 0
    out = capsys.readouterr().out
    imported, *runs = commands_in(out)
    # 100,000 steps of a minute; as many of 4e12 multiply-adds at the rate that is named
    each = "of each seed: about 69.4 days here, about 7.1 hours on a GPU\n  adainf pretrain"
    assert out.count(each) == 4
    assert "at 15.6 million million a second" in out
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
@pytest.mark.parametrize("method", ["simclr", "byol"])
def test_commands_of_the_design_train_what_is_run(folder, capsys, method):
    arguments = planned(folder, "--seeds", "2", "--method", method, "--steps", "400")
    assert main([*arguments, "pretrain.width=8", "pretrain.warmup=7"]) == 0
    out = capsys.readouterr().out
    _, *runs = commands_in(out)
    assert "none, of each seed: about 22 seconds here, about 103 seconds on a GPU\n" in out
    base = replace(PretrainConfig(), steps=400, warmup=7, batch_size=32, width=8)
    expected = replace(base, method=METHODS[method]())
    for number, words in enumerate(runs[::2]):
        options = _parse(words)
        preset = recipe(options.dataset, options.method, options.preset, options.generated)
        chosen = override(preset, options.settings).pretrain
        assert replace(chosen, policy=expected.policy) == replace(expected, seed=number // 4)


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
    assert "Commands:" not in out and "noise " in out and "\ncompare  " not in out
    assert f"2 seeds of all arms decide none of the {len(QUESTIONS)} questions" in out
    assert all(claim.statement in out for claim in QUESTIONS)


def pretending(monkeypatch, seconds):
    """`run_study` without training: each run takes what `seconds` says of its number."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def run_study(study, scale, *, store, budget, wanted, told, **_):
        deadline, records = now[0] + budget, []
        for number, (arm, seed) in enumerate(study.plan(scale)):
            if now[0] >= deadline or not wanted(arm, seed):
                continue
            now[0] += seconds(number)
            found = {"linear": 40.0 + 3 * ("adainf" in arm) + 0.1 * (number % 5), "knn": 30.0}
            record = SimpleNamespace(
                arm=arm, seed=seed, metrics=found, wall_seconds=seconds(number)
            )
            records.append(record)
            told(record)
        return records

    monkeypatch.setattr(module, "run_study", run_study)
    return now


@pytest.mark.usefixtures("quick")
def test_a_budget_is_filled_and_kept_and_results_come_in_round_by_round(
    folder, capsys, monkeypatch
):
    now = pretending(monkeypatch, lambda number: 25.0)
    more = ["--processes", "1", "--budget", "2000", "--probe", "linear"]
    assert main([*planned(folder, *more)]) == 0
    foretold = capsys.readouterr().out
    assert main([*planned(folder, "--run", *more)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == foretold.splitlines()[0]
    lines = [line for line in out.splitlines() if " runs: " in line]
    total = int(lines[0].split()[2])
    assert len(lines) == total and lines[-1].startswith(f"{total} of {total} runs: ")
    assert "left" in lines[0] and "left" not in lines[-1]
    # every round but the last is followed by the state of all questions
    arms = 4 + ("AdaInf, 1x" in out) + ("AdaInf, 3x" in out)
    assert out.count("so far, on ") == total // arms - 2
    assert out.count(QUESTIONS[0].statement) == total // arms - 1
    assert out.count("how many generated images?") == total // arms - 1
    assert now[0] <= 2000 and "to do it" in foretold and "--budget 2000" in foretold


@pytest.mark.usefixtures("quick")
def test_a_machine_that_slows_down_has_fewer_seeds_and_says_so(folder, capsys, monkeypatch):
    now = pretending(monkeypatch, lambda number: 25.0 if number < 6 else 120.0)
    more = ["--processes", "1", "--budget", "2000", "--amounts", "none", "--run"]
    assert main([*planned(folder, *more)]) == 0
    out = capsys.readouterr().out
    assert " seeds in place of " in out and now[0] <= 2000
    runs = [line for line in out.splitlines() if " runs: " in line]
    assert len(runs) % 4 == 0 and len(runs) >= 8 and "the others take" not in out
    assert f", n = {len(runs) // 4}\n" in out.partition("over seeds:")[2]


@pytest.mark.usefixtures("quick")
def test_a_budget_too_short_for_two_seeds_is_refused_with_one_that_is_not(folder, capsys):
    more = ["--budget", "12", "--processes", "2"]
    for run in ([], ["--run"]):
        assert main([*planned(folder, *more, *run)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(
            "adainf: a budget of 12 seconds fits no design: the smallest, 4 arms"
        )
    least = line.rpartition("takes ")[2].split()[0]
    assert main(planned(folder, "--budget", least, "--processes", "2")) == 0
    assert "four arms on two seeds" in " ".join(capsys.readouterr().out.split())


@pytest.mark.usefixtures("quick")
def test_the_same_command_goes_on_with_the_design_that_it_began(
    folder, capsys, monkeypatch, tmp_path
):
    pretending(monkeypatch, lambda number: 25.0)
    kept = ["--run", "--records", str(tmp_path / "kept"), "--processes", "1", "--budget"]
    assert main(planned(folder, *kept, "900")) == 0
    out = capsys.readouterr().out
    first = out.splitlines()[0]
    assert f"adainf compare {tmp_path / 'kept' / 'own-images' / 'own' / 'weak-*.json'} " in out
    slower = replace(COST, step=10 * COST.step)
    monkeypatch.setattr("adainf_core.advice.proposing.measured", lambda *_, **__: slower)
    assert main(planned(folder, *kept, "900")) == 0
    assert capsys.readouterr().out.splitlines()[0] == first
    for more, says in (
        (["--steps", "77"], "--steps 77: "),
        (["pretrain.width=5"], "runs of other settings"),
        (["--amounts", "2"], "--amounts "),
    ):
        assert main(planned(folder, *kept, "900", *more)) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert says in line and "name another --records" in line
    (tmp_path / "kept" / "design.json").write_text("{}")
    assert main(planned(folder, *kept, "900")) == 2
    assert "holds no design" in capsys.readouterr().err


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
        (["--labels", "nowhere"], "--labels: unknown image set 'nowhere'"),
        (["--gap-images", "3"], "gap_images = 3 must be at least"),
        (["--amounts", "1,x"], "--amounts: 'x' is no number"),
        (["--amounts", "-1"], "--amounts: -1 has to be positive"),
        (["--scale", "gpu"], "--scale: invalid choice: 'gpu'"),
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
    assert "to do it" not in out and "steps of 32," in out and "# nothing is labelled" in out
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
    assert "\nreal         ten: 60 images of 32x32, 4 classes; copies: 720 of 800" in out
    assert "copies and all" in out and "no bound" in out
    out = said("own.npz")
    assert out.startswith("shared       the generated images are the real images themselves")
    assert "no distance is claimed" in out and "no bound" not in out
    # nothing that would be refused is printed: `generate import` takes a tenth of copies at most
    assert commands_in(out) == [] and "# none: 80 of 80 generated images are copies" in out
    imported = [
        "generate",
        "import",
        str(tmp_path / "own.npz"),
        "--real",
        str(tmp_path / "ten.npz"),
    ]
    assert main(imported) == 2 and "memorised" in capsys.readouterr().err
    out = said("half.npz")
    assert out.startswith("shared       20 of 80 generated images are copies of real ones\n")
    assert commands_in(out) == []
    out = " ".join(said("few.npz").split())
    assert "no distance is claimed: 60 real and 40 generated images are too few" in out


@pytest.mark.usefixtures("quick")
def test_one_picture_under_two_classes_is_said(capsys, tmp_path):
    photographs = tiles()
    labels = np.arange(60) % 4
    twice = np.concatenate([photographs[:60], photographs[:3], photographs[3:5]])
    changed = np.concatenate([labels, (labels[:3] + 1) % 4, labels[3:5]])
    np.savez(tmp_path / "real.npz", images=twice, labels=changed)
    np.savez(tmp_path / "fakes.npz", images=photographs[60:120])
    test = np.concatenate([photographs[10:12], photographs[120:140]])
    wrong = np.concatenate([(labels[10:12] + 1) % 4, labels[:20]])
    np.savez(tmp_path / "test.npz", images=test, labels=wrong)
    words = ["plan", *(str(tmp_path / f"{name}.npz") for name in ("real", "fakes"))]
    assert main([*words, "--test", str(tmp_path / "test.npz"), "--seeds", "1"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "two classes 3 of the real images repeat a picture that lies under another class" in out
    assert "two classes 2 of the test images repeat a picture that lies under another class" in out
    assert main([*words, "--seeds", "1"]) == 0
    assert "of the test images repeat" not in capsys.readouterr().out


@pytest.mark.usefixtures("quick")
def test_the_official_run_is_that_of_its_commands(folder, capsys):
    shown = {}
    for scale in ("laptop", "paper"):
        arguments = [one for one in planned(folder, "--scale", scale) if one != "32"]
        arguments.remove("--batch-size")
        assert main(arguments) == 0
        out = " ".join(capsys.readouterr().out.split())
        shown[scale] = out.partition("paper a run of ")[2].partition(":")[0]
    # among 60 images a batch has no more, at either scale
    assert set(shown.values()) == {"100,000 steps of 32 images, resnet18"}


@pytest.mark.usefixtures("quick")
def test_amounts_that_are_no_arms_are_named(folder, capsys):
    assert main(planned(folder, "--amounts", "1,99")) == 0
    out = " ".join(capsys.readouterr().out.partition("Commands")[0].split())
    assert "amounts none, 1x and all" in out and "left out: 99x, as all are " in out


@pytest.mark.parametrize(("asked", "kept"), [((3.0, 1.0, 99.0), True), ((2.0,), False)])
def test_the_same_amounts_go_on_in_any_order(asked, kept):
    design = Design(width=8, steps=50, seeds=2, arms=6, processes=1, cost=COST)
    pretrain = PretrainConfig(steps=50, warmup=0)
    proposal = Proposal(design, pretrain, (1.0, 3.0), None)
    options = SimpleNamespace(
        records="kept", settings=[], steps=None, batch_size=None, amounts=asked, seeds=None,
        processes=None,
    )  # fmt: skip
    own = SimpleNamespace(real=range(60), generated=range(600))
    arms = plan._amounts_that_are_arms(options, own)
    if kept:
        assert going_on(proposal, pretrain, options, arms) == proposal
    else:
        with pytest.raises(ValueError, match=r"^--amounts 2: kept has runs of 1,3; leave it out"):
            going_on(proposal, pretrain, options, arms)


# ---- the noise that is planned with


@pytest.mark.usefixtures("quick")
def test_few_test_images_have_more_noise_and_the_plan_counts_with_it(folder, capsys, monkeypatch):
    monkeypatch.setattr("adainf_core.advice.planning.recorded_noise", lambda: 0.81)
    noise = noise_on(40, 0.81)
    assert main(planned(folder, "--steps", "300", "--seeds", "3")) == 0
    out = " ".join(capsys.readouterr().out.split())
    least = found_difference(noise, 3, 4)
    assert f"finds a difference of {least:.1f} points" in out and least > 20
    said = f"{noise:.2f} points, 0.81 recorded on CIFAR-10 at laptop scale, and up to "
    assert said in out and " from 40 test images); --run measures the noise" in out
    assert f"Seeds for a difference, at a noise of {noise:.2f} points (0.81 recorded" in out
    assert "fewer than 250 steps" not in out
    assert main(planned(folder, "--steps", "100", "--seeds", "3")) == 0
    assert "runs of fewer than 250 steps may have more" in " ".join(capsys.readouterr().out.split())


def runs_of(arms, seeds):
    """Records whose differences vary: what a comparison has found so far."""
    return [
        SimpleNamespace(arm=arm, seed=seed, wall_seconds=5.0,
                        metrics={"linear": 40.0 + 3 * place + 2 * (place % 2) * seed, "knn": 3.0})
        for place, arm in enumerate(arms)
        for seed in range(seeds)
    ]  # fmt: skip


@pytest.mark.usefixtures("quick")
def test_the_noise_that_was_measured_takes_the_place_of_the_planned_one(
    folder, capsys, monkeypatch, tmp_path
):
    pretending(monkeypatch, lambda number: 5.0)
    words = planned(folder, "--run", "--seeds", "4", "--steps", "300", "--processes", "1")
    assert main([*words, "--noise", "0.5"]) == 0
    out = capsys.readouterr().out
    # from the second seed on, and at the end
    assert out.count("points, measured on these seeds (planned with: 0.50):\n") == 3
    kept = runs_of(ARMS, 2)
    monkeypatch.setattr(
        "adainf_core.evidence.runs.running.study_records", lambda *_, **__: list(kept)
    )
    records = tmp_path / "kept"
    assert main([*words, "--records", str(records)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    measured = paired_noise(kept)
    assert f"finds a difference of {found_difference(measured, 4, 4):.1f} points" in out
    assert f"(noise {measured:.2f} points, measured on the runs in --records)" in out


# ---- the commands of a seed


@pytest.mark.usefixtures("quick")
def test_one_seed_is_printed_and_the_shell_runs_them_all(folder, capsys, tmp_path):
    """Whatever the paths are called, a dollar in them too."""
    odd = tmp_path / "my $seed's `files`"
    odd.mkdir()
    for name in ("real", "fakes", "test"):
        (odd / f"{name}.npz").write_bytes((folder / f"{name}.npz").read_bytes())
    assert main(planned(odd, "--seeds", "5")) == 0
    out = capsys.readouterr().out
    typed = [line for line in out.splitlines() if line.lstrip().startswith("adainf ")]
    assert len(typed) == 1 + 2 * len(ARMS)
    _, *runs = commands_in(out)
    assert len(runs) == 5 * 2 * len(ARMS)
    order = [(seed, arm) for seed in range(5) for arm in ARMS]
    for (seed, arm), train, probe in zip(order, runs[::2], runs[1::2], strict=True):
        assert train[train.index("--checkpoint") + 1] == probe[1] == f"{arm}-{seed}.pt"
        assert f"pretrain.seed={seed}" in train
        assert train[train.index("--dataset") + 1] == str(odd / "real.npz")
    # but for its number each seed's commands are the first one's
    for seed in range(1, 5):
        first, other = (runs[2 * len(ARMS) * n : 2 * len(ARMS) * (n + 1)] for n in (0, seed))
        swapped = [
            [word.replace("-0.pt", f"-{seed}.pt").replace(".seed=0", f".seed={seed}")
             for word in words]
            for words in first
        ]  # fmt: skip
        assert swapped == other


@pytest.mark.usefixtures("quick")
def test_python_compares_by_default_what_the_command_does(folder, monkeypatch):
    studies = []

    def run_study(study, scale, **_):
        studies.append(study)
        return []

    monkeypatch.setattr(module, "run_study", run_study)
    named = [str(folder / f"{name}.npz") for name in ("real", "fakes", "test")]
    assert main(["plan", *named[:2], "--test", named[2], "--run"]) == 0
    mine = module.own_study(*named[:2], test=named[2])
    for arm in ARMS:
        one, other = (study.experiment(module.SCALE, arm, 0) for study in (studies[0], mine))
        assert one == other
    assert mine.layout(module.SCALE).base.pretrain.batch_size == 32  # of 60 real images
