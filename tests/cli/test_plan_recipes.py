"""`adainf plan --without-labels`: the answer on the first screen, its page, and errors."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from adainf_core.advice import own_recipes
from adainf_core.advice.own_recipes import LABELS, chosen_recipes
from adainf_core.cli import main
from adainf_core.cli.plan_answer import answer
from adainf_core.data.sprites import SpriteWorld
from adainf_core.evidence.studies import failure_mode, share_grid
from adainf_core.findings import ChoiceFindings, Findings
from adainf_core.findings.choices import RANDOM, WEAK

pytestmark = pytest.mark.usefixtures("few_penalties")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Real images, test images, and fakes: grey, some of them twice, in folders' classes."""
    folder, world = tmp_path_factory.mktemp("plan"), SpriteWorld(hues=12, places=5)
    rng = np.random.default_rng(0)
    for name, count in (("real", 70), ("test", 40)):
        images = world.sample(world.real_distribution(), count, rng).images
        np.savez(folder / f"{name}.npz", images=images, labels=np.arange(count) % 2)
    made = world.sample(world.generated_distribution("background", 0.9), 90, rng).images
    grey = made.mean(1, keepdims=True).repeat(3, 1).astype(np.uint8)
    images = np.concatenate([grey, grey[:5]]).transpose(0, 2, 3, 1)
    np.savez(folder / "fakes.npz", image=images, label=np.arange(95) % 5)
    np.savez(folder / "one.npz", images=made[:1])
    return folder


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("adainf_core.gap.neighbour_classifier._MOST_TREES", 8)
    monkeypatch.setattr("adainf_core.gap.jpeg._SCANNED", 2**14)


def command(folder, *more, real="real", made="fakes"):
    names = [str(folder / f"{name}.npz") for name in (real, made)]
    small = ["--steps", "2", "--batch-size", "16", "--processes", "1", "pretrain.width=4"]
    return ["plan", *names, "--without-labels", *small, *more]


@pytest.fixture(scope="module")
def ran(folder, tmp_path_factory):
    """A whole run with labels: its folder."""
    place = tmp_path_factory.mktemp("ran")
    labels = ["--labels", str(folder / "real.npz"), "--test", str(folder / "test.npz")]
    words = [*labels, "--seeds", "2", "--probe", "knn", "--records", str(place / "kept")]
    assert main(command(folder, *words, "--html", str(place / "plan.html"))) == 0
    return place, words


def test_the_answer_is_the_first_thing_said_and_the_same_when_it_goes_on(
    ran, folder, capsys, monkeypatch
):
    place, words = ran

    def none_left(*_, **__):
        raise AssertionError("a run that is recorded was begun again")

    monkeypatch.setattr("adainf_core.evidence.runs.running.run_one", none_left)
    assert main(command(folder, *words, "--html", str(place / "plan.html"))) == 0
    shown = capsys.readouterr()
    out = shown.out.splitlines()
    assert out[0].startswith("recipe       ")
    flat = " ".join(shown.out.split())
    assert "no score has yet been shown to earn its place" in flat
    recorded = Findings(failure_mode.NAME).difference("weak", "none")
    assert f"{recorded:+.1f} points over strong" in flat and f"n = {recorded.n}" in flat
    for word in ("by labels", "by RankMe", "by α-ReQ", "by LiDAR", "by loss", "regret"):
        assert any(line.startswith(word) for line in out[:26])
    assert "not known" in flat and out[-2:] == [str(place / "plan.html"), str(place / "plan.json")]
    # what is to be known of the images
    assert "near grey" in flat and "5 of 95 images repeat" in flat and "sampled class by" in flat
    assert all(len(line) <= 79 or " " not in line for line in out)
    assert "labelled     real: 70 images" in shown.err and "unlabelled" in shown.err


def test_page_and_numbers_say_the_same_and_stand_alone(ran):
    place, _ = ran
    page, found = (place / "plan.html").read_text(), json.loads((place / "plan.json").read_text())
    assert found["earned"] == [] and len(found["runs"]) == 10
    assert found["recipe"] == ("weak" if "weak" in found["by_labels"]["alike"]
                               else found["by_labels"]["arm"])  # fmt: skip
    assert not re.search(r'(src|href)="(?!data:|#)', page) and "<script" not in page
    assert page.count("<svg") >= 5 and page.count("data:image/png") == 2
    for metric, pick in found["scores"].items():
        runs = [r["metrics"][metric] for r in found["runs"] if r["arm"] == pick["arm"]]
        assert pick["values"][pick["arm"]]["value"] == pytest.approx(np.mean(runs))
    for word, text in found["answer"]:
        assert word in page and text.partition(":")[0].replace("'", "&#x27;") in page
    assert set(found["lost_by_labels"]) == set(found["scores"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--amounts", "1"], "--amounts (1.0,) is not of --without-labels"),
        (["--scale", "paper"], "--scale paper is not of --without-labels"),
        (["--seeds", "1"], "--seeds 1: --without-labels compares arms over two seeds"),
        (["--budget", "3"], "a budget of 3 seconds fits no design: the smallest, 2 arms"),
        (["--json", "a.html", "--html", "a.html"], "is the place of --html, too"),
    ],
)
def test_what_cannot_be_is_one_line_before_anything_is_trained(
    folder, words, says, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own_recipes, "run_study", lambda *_, **__: pytest.fail("trained"))
    assert main(command(folder, *words)) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("adainf: ") and says in error
    assert list(tmp_path.iterdir()) == []


def test_recipes_that_the_time_was_too_short_for_are_named(
    folder, capsys, monkeypatch, make_record, tmp_path
):
    done = [make_record(arm, seed, metrics={"score_loss": seed + len(arm)})
            for arm in ("weak", "none") for seed in range(2)]  # fmt: skip
    monkeypatch.setattr(own_recipes, "run_study", lambda *_, **__: done)
    assert main(command(folder, "--html", str(tmp_path / "page.html"))) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Not compared, for want of time: real share 1/3, weak; real share 2/3, weak" in out
    assert "name --records to go on from" in out


@pytest.mark.parametrize(
    ("sets", "says"),
    [
        ({"real": "one"}, "1 different real image is left, and scores want 40 or more"),
        ({"made": "real"}, "all 70 generated images are copies of real ones"),
    ],
)
def test_images_that_are_too_few_are_one_line(folder, sets, says, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(command(folder, **sets)) == 2
    assert says in capsys.readouterr().err.splitlines()[-1]


def test_pages_are_of_this_answer_alone(folder, capsys):
    words = ["plan", "digits", str(folder / "fakes.npz"), "--html", "page.html"]
    assert main(words) == 2
    assert "--html page.html is of --without-labels" in capsys.readouterr().err


def test_a_grid_without_an_answer_says_what_to_do(folder, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own_recipes, "run_study", lambda *_, **__: [])
    assert main(command(folder, "--seeds", "2")) == 2
    assert "0 of 10 runs of two seeds were done within --budget" in capsys.readouterr().err


# ---- what the study of choosing says


@pytest.fixture
def grid(make_record):
    """Records of the whole share grid, by how much its weak share of 1/3 gains."""

    def made(gain):
        rng, found = np.random.default_rng(0), []
        for arm in share_grid.ARMS:
            best = arm.endswith("1_3_weak")
            for seed in range(80, 85):
                accuracy = 50 + gain * best + rng.normal(0, 0.1)
                metrics = {"linear": accuracy, "score_loss": rng.normal()}
                metrics |= {"score_rankme": best + rng.normal(0, 0.01)}
                found.append(make_record(arm, seed, study="share-grid", metrics=metrics))
        return ChoiceFindings(given=tuple(found))

    return made


@pytest.fixture
def choice(make_record):
    metrics = {"none": 1.0, "beta_2_3": 3.0}
    return chosen_recipes([
        make_record(arm, seed, metrics={"score_rankme": metrics.get(arm, 2.0) + 0.1 * seed})
        for arm in LABELS for seed in range(3)
    ])  # fmt: skip


def said(found, word):
    return next(text for name, text in found.lines if name == word)


def test_a_score_that_has_earned_its_place_chooses(choice, grid):
    study = grid(5.0)
    found = answer(choice, (), study)
    assert found.arm == "beta_2_3" and found.earned == ("score_rankme",)
    assert "2/3 of the draws real, under weak augmentation: by RankMe" in said(found, "recipe")
    worth = study.worths["score_rankme"]
    assert f"gained {worth.gained[WEAK]:+.1f} points" in said(found, "why")
    regret = said(found, "regret")
    assert f"RankMe {worth.lost:.1f}" in regret
    assert f"{RANDOM} {study.lost_without(RANDOM):.1f}" in regret


def test_a_study_that_found_no_score_leaves_the_default(choice, grid):
    found = answer(choice, (), grid(-5.0))
    assert found.arm == "weak" and found.earned == ()
    assert "no score has earned its place: in the study" in said(found, "why")


def labelled(make_record, best):
    """Records whose score does not vary, and whose accuracy is best for one arm."""
    noise = np.random.default_rng(0).normal(0, 0.1, (5, 3))
    return chosen_recipes([
        make_record(arm, seed, metrics={"score_loss": 5.0, "linear": 50 + 9 * (arm == best) + x})
        for arm, row in zip(LABELS, noise, strict=True) for seed, x in enumerate(row)
    ])  # fmt: skip


def test_labels_decide_where_they_exclude_the_answer_without_them(make_record):
    found = answer(labelled(make_record, "none"))
    assert found.arm == "none"
    assert said(found, "recipe") == "real images alone, under strong augmentation: by the labels"
    assert said(found, "without") == "real images alone, under weak augmentation: the default"
    same = answer(labelled(make_record, "weak"))
    assert same.arm == "weak" and "without" not in dict(same.lines)
    assert said(same, "recipe").endswith("the default, and labels do not exclude it")


def test_a_recipe_that_collapsed_is_left_out_with_a_remedy(
    make_record, folder, capsys, monkeypatch
):
    flat = {"metrics": {"score_loss": 5.0}, "protocols": {"unscored": "features are one point"}}
    sound = [make_record(arm, seed, metrics={"score_loss": seed + len(arm)})
             for arm in LABELS for seed in range(2)]  # fmt: skip
    records = [replace(r, **flat) if r.arm == "beta_1_3" else r for r in sound]
    found = answer(chosen_recipes(records))
    assert said(found, "left out") == (
        "real share 1/3, weak: features are one point; take more steps (--steps), or a lower "
        "pretrain.learning_rate"
    )
    every = [replace(r, **flat) for r in sound]
    monkeypatch.setattr(own_recipes, "run_study", lambda *_, **__: every)
    assert main(command(folder, "--seeds", "2")) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "fewer than two recipes could be scored (weak: features are one point): take" in error


def test_without_records_no_number_is_named(choice, tmp_path):
    nothing = Findings(failure_mode.NAME, root=tmp_path)
    found = answer(choice, ("a note",), ChoiceFindings(root=tmp_path), nothing)
    assert "no records here" in said(found, "why") and found.lines[-1] == ("note", "a note")
