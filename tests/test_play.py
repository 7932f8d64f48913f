"""The pieces to play with: what their scripts compute is what the library does, and how they load.

The scripts run in node or, where there is none, in a Chromium; one of the two is needed here.
"""

import io
import json
import math
import re
import shutil
import subprocess
from dataclasses import replace

import browser
import numpy as np
import pieces
import pytest
from check_accessibility import keyboard_findings, listen
from run_chapters import BOOK
from scipy.stats import ks_2samp, nct

SCRIPTS = BOOK / "_static" / "play"
NAMES = ("play", *pieces.PIECES)
NODE = """
const fs = require("fs");
const { files, data } = JSON.parse(fs.readFileSync(0, "utf8"));
files.forEach((file) => require(file));
const found = ((data) => { CODE })(data);
console.log(JSON.stringify(found, (name, value) => (value === Infinity ? "Infinity" : value)));
"""


def computed(code, data=None):
    """What the JavaScript `code`, a function's body, returns; `data` is what it is given."""
    files = [str(SCRIPTS / f"{name}.js") for name in NAMES]
    if node := shutil.which("node"):
        done = subprocess.run(
            [node, "-e", NODE.replace("CODE", code)],
            input=json.dumps({"files": files, "data": data}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    try:
        with browser.browser() as chromium:
            page = chromium.new_page()
            for file in files:
                page.add_script_tag(path=file)
            return page.evaluate(f"(data) => {{ {code} }}", data)
    except browser.BrowserError as error:
        pytest.skip(f"no node to run the scripts in, and {error}")


def floats(values):
    return np.array([[math.nan if x is None else float(x) for x in row] for row in values])


def test_weighing_is_the_librarys():
    from adainf_core.theory import mixture, replication_to_beta, total_variation

    grid = [[n, g, d] for n in (1, 10, 50) for g in (0, 1, 20, 50) for d in (0, 0.05, 0.5, 1)]
    found = computed("return data.map((row) => Object.values(play.weigh(...row)))", grid)
    for (copies, times, distance), (beta, left) in zip(grid, found, strict=True):
        assert beta == pytest.approx(replication_to_beta(1, times, copies), abs=1e-12)
        real, generated = np.array([1.0, 0]), np.array([1 - distance, distance])
        mixed = mixture(real, generated, beta)
        assert left == pytest.approx(total_variation(mixed, real), abs=1e-12)


# --- views ---------------------------------------------------------------------------------------


def policy_of(low, strength, often):
    """The library's policy for a setting of the dials: crop and jitter, nothing else."""
    from adainf_core import AugmentationPolicy

    return AugmentationPolicy(
        crop_scale=(low, 1.0), jitter_p=often, brightness=strength, contrast=strength,
        saturation=strength, hue=strength / 4, grey_p=0, blur_p=0, flip_p=0,
    )  # fmt: skip


def drawn_by_the_library(n, height, width, policy, seed=0):
    """Parameters of `n` views and the uniforms that they are made of."""
    import torch

    from adainf_core.learning.augmentation import view_noise, view_parameters

    noise = view_noise(n, torch.Generator().manual_seed(seed))
    return view_parameters(noise, height, width, policy), noise


SETTINGS = [(0.02, 0.0, 0.0), (0.08, 0.8, 0.8), (0.2, 0.4, 0.4), (0.7, 1.0, 1.0), (1.0, 0.5, 0.5)]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("shape", [(96, 96), (32, 32), (40, 17)])
def test_the_same_chance_makes_the_librarys_views(setting, shape):
    drawn, noise = drawn_by_the_library(2000, *shape, policy_of(*setting))
    rows = noise[:, :31].double().tolist()
    low, strength, often = setting
    policy = {"low": low, "strength": strength, "often": often}
    found = computed(
        "return data.rows.map((u) => play.views.view(u, ...data.shape, data.policy)).map("
        "(v) => [v.top, v.left, v.height, v.width, ...v.factors, v.hue, ...v.order])",
        {"rows": rows, "shape": shape, "policy": policy},
    )
    found = np.array(found)
    boxes = np.stack([drawn.top, drawn.left, drawn.height, drawn.width], 1)
    # theirs is single precision: a side that rounds the other way is rare
    assert (found[:, :4] == boxes).all(1).mean() >= 0.999
    np.testing.assert_allclose(found[:, 4:7], drawn.factors, atol=1e-6)
    np.testing.assert_allclose(found[:, 7], drawn.hue, atol=1e-6)
    assert (found[:, 8:] == drawn.order.numpy()).all()


@pytest.mark.parametrize("setting", SETTINGS[:4])
def test_crops_have_the_librarys_distribution(setting):
    n, size = 4000, 96
    drawn, _ = drawn_by_the_library(n, size, size, policy_of(*setting), seed=7)
    low, strength, often = setting
    policy = {"low": low, "strength": strength, "often": often}
    found = computed(
        "const v = play.views.views(5, data.n, data.size, data.policy);"
        "return [v.map((each) => [each.top, each.left, each.height, each.width]),"
        "[1, 2, 3].map((seed) => play.views.disjoint(seed, data.n, data.size, data.policy))]",
        {"n": n, "size": size, "policy": policy},
    )
    theirs = np.stack([drawn.top, drawn.left, drawn.height, drawn.width], 1)
    ours = np.array(found[0])

    def facts(box):
        top, left, height, width = box.T.astype(float)
        return top, left, height, width, height * width, width / height

    for one, other in zip(facts(ours), facts(theirs), strict=True):
        assert ks_2samp(one, other).pvalue > 1e-3  # fixed seeds: it passes or it does not
    apart = share_apart(theirs)
    error = math.sqrt(max(apart, 1 / n) / (n // 2))
    assert all(abs(share - apart) <= 4 * error for share in found[1])


def share_apart(boxes):
    """Of pairs of boxes, first half with second, the share whose masks of pixels do not meet."""
    size, half = 96, len(boxes) // 2
    place = np.arange(size)

    def covered(start, length):
        return (place >= start[:, None]) & (place < (start + length)[:, None])

    rows, columns = covered(boxes[:, 0], boxes[:, 2]), covered(boxes[:, 1], boxes[:, 3])
    meet = (rows[:half] & rows[half:]).any(1) & (columns[:half] & columns[half:]).any(1)
    return float((~meet).mean())


def test_shared_pixels_are_those_of_both_masks():
    rng = np.random.default_rng(0)
    start, length = rng.integers(0, 8, (2, 100, 2)), rng.integers(1, 8, (2, 100, 2))
    pairs = np.concatenate([start, length], 2).tolist()
    found = computed(
        "const box = ([top, left, height, width]) => ({ top, left, height, width });"
        "return data[0].map((a, n) => play.views.shared(box(a), box(data[1][n])))",
        pairs,
    )
    for n, count in enumerate(found):
        mask = np.zeros((2, 16, 16), bool)
        for side in range(2):
            (top, left), (height, width) = start[side, n], length[side, n]
            mask[side, top : top + height, left : left + width] = True
        assert count == mask.all(0).sum()


def test_the_settings_offered_are_the_official_ones():
    from adainf_core import POLICIES

    offered = computed("return play.views.policies")
    for name, dials in offered.items():
        official = replace(POLICIES[name], grey_p=0, blur_p=0, flip_p=0)
        assert official == policy_of(dials["low"], dials["strength"], dials["often"])
    assert len(offered) == 2


def test_jitter_is_the_librarys_to_the_pixel():
    import torch

    from adainf_core.learning.augmentation import apply_parameters

    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (60, 3, 9, 9), np.uint8))
    images[:2] = images[:2, :1]  # grey pixels have no hue
    policy = replace(policy_of(1.0, 0.8, 0.9), crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0))
    drawn, _ = drawn_by_the_library(60, 9, 9, policy)
    expected = apply_parameters(images, policy, drawn)
    views = [
        {"order": order, "factors": factors, "hue": hue}
        for order, factors, hue in zip(
            drawn.order.tolist(), drawn.factors.tolist(), drawn.hue.tolist(), strict=True
        )
    ]
    found = computed(
        "data.images.forEach((image, n) => play.views.jitter(image, data.views[n]));"
        "return data.images",
        {"images": (images.flatten(2).double() / 255).tolist(), "views": views},
    )
    assert (expected - images / 255).abs().max() > 0.3  # there is something to agree about
    np.testing.assert_allclose(found, expected.flatten(2), atol=2e-5)


# --- the ring ------------------------------------------------------------------------------------

RINGS = [
    (strength, beta, border)
    for strength in range(9)
    for beta in (0, 0.05, 1 / 3, 0.7, 0.95, 1)
    for border in (0, 0.1, 0.26, 0.5)
]


@pytest.mark.filterwarnings("ignore::adainf_core.theory.spectrum.DegenerateSpectrumWarning")
def test_the_rings_numbers_are_the_theorys():
    from adainf_core.theory import ring_world

    found = computed(
        "return data.map((row) => { const r = play.ring(...row); return [r.alpha, r.gap, "
        "r.distance, r.bound, r.error, +r.tied, r.pieces, ...r.eigenvalues.slice(0, 8)]; })",
        RINGS,
    )
    open_cases = 0
    for (strength, beta, border), row in zip(RINGS, floats(found), strict=True):
        world = ring_world(strength, boundary_share=border)
        graph, report = world.graph(beta), world.transfer_bound(beta, 2)
        tied = graph.is_degenerate(2)
        open_cases += tied
        expected = [
            report.labeling_error, report.spectral_gap, report.total_variation, report.bound,
            math.nan if tied else report.real_error, tied, graph.component_count(),
            *graph.eigenvalues(8),
        ]  # fmt: skip
        np.testing.assert_allclose(row, expected, rtol=1e-9, atol=1e-9, err_msg=f"{strength, beta}")
    assert 0 < open_cases < len(RINGS) / 2


def test_the_ring_shows_the_graph_that_the_theory_has():
    from adainf_core.theory import ring_world

    found = computed("const { edges, degrees } = play.ring(3, 0.4, 0.1); return [edges, degrees]")
    graph = ring_world(3).graph(0.4)
    np.testing.assert_allclose(found[0], graph.adjacency, atol=1e-12)
    np.testing.assert_allclose(found[1], graph.degrees, atol=1e-12)


# --- seeds ---------------------------------------------------------------------------------------


def test_quantiles_are_students():
    from adainf_core.statistics.intervals import t_quantile

    grid = [(level, n) for level in (0.5, 0.9, 0.95, 0.99, 1 - 0.05 / 15) for n in range(1, 60)]
    found = computed("return data.map((row) => play.seeds.quantile(...row))", grid)
    expected = [t_quantile((1 + level) / 2, n) for level, n in grid]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


TRUTHS = [
    {"effect": effect, "noise": noise, "seeds": seeds, "claims": claims, "strict": strict}
    for effect, noise in ((1, 0.6), (0.2, 0.1), (-1, 0.4), (0.4, 0.2), (0, 1.5))
    for seeds, claims in ((2, 5), (3, 1), (6, 3))
    for strict in (False, True)
]


def test_verdicts_are_those_of_the_ledgers_rule(make_record):
    from adainf_core.evidence.judging.claims import beats
    from adainf_core.evidence.judging.verdicts import judge

    count = 8
    found = computed(
        "return data.truths.map((truth, n) => { const draw = play.random(n); return "
        "play.range(data.count).map(() => { const runs = play.seeds.study(draw, truth); "
        "return [runs, play.seeds.judge(runs, truth.strict)]; }); })",
        {"truths": TRUTHS, "count": count},
    )
    seen = set()
    for truth, studies in zip(TRUTHS, found, strict=True):
        arms = [f"arm {n}" for n in range(truth["claims"] + 1)]
        claims = [beats(arm, arm, "trial", arm, arms[0]) for arm in arms[1:]]
        for runs, mine in studies:
            records = [
                make_record(arm=arm, seed=seed, linear=value)
                for arm, row in zip(arms, runs, strict=True)
                for seed, value in enumerate(row)
            ]
            verdict = judge(claims, records, strict=truth["strict"])[0]
            theirs = verdict.difference
            np.testing.assert_allclose(
                [mine["value"], mine["low"], mine["high"]],
                [theirs.value, theirs.low, theirs.high],
                rtol=1e-9,
                atol=1e-9,
            )
            assert mine["words"] == verdict.words
            seen.add(mine["words"])
    assert seen == set(computed("return play.seeds.WORDS"))


def test_simulated_studies_find_what_they_should():
    """Against the noncentral t distribution: the interval of one claim is its own values'."""
    from adainf_core.statistics.intervals import t_quantile

    n, effect, noise, count = 5, 1.0, 0.5, 4000
    found = computed(
        "return play.seeds.verdicts(3, data.count, data.truth).filter(({ low }) => low > 0).length",
        {
            "count": count,
            "truth": {"effect": effect, "noise": noise, "seeds": n, "claims": 1, "strict": False},
        },
    )
    shift = effect / (math.sqrt(2) * noise) * math.sqrt(n)
    power = nct.sf(t_quantile(0.975, n - 1), n - 1, shift)
    assert abs(found / count - power) < 4 * math.sqrt(power * (1 - power) / count)


# --- on the page ---------------------------------------------------------------------------------


def test_scripts_are_small():
    files = sorted(SCRIPTS.glob("*.js"))
    assert {file.stem for file in files} == {*NAMES, "predict"}
    comments = re.compile(r"/\*.*?\*/|^\s*// .*?$| // .*?$", re.DOTALL | re.MULTILINE)
    code = [comments.sub("", file.read_text()) for file in files]
    assert sum(len(text.encode()) for text in code) <= 32_000  # bytes, 12 kB on the wire


def test_numbers_are_written_as_the_book_writes_them():
    values = [-1.234, -0.001, 0, 2.5]
    assert computed("return data.map((x) => play.number(x, 2))", values) == [
        "−1.23", "0.00", "0.00", "2.50",
    ]  # fmt: skip
    assert computed("return [play.number(1 / 0), play.percent(0.125, 1)]") == ["∞", "12.5 %"]


def test_what_stands_in_for_the_ring_is_what_the_ring_says():
    rows = [line.strip("| ").split(" | ") for line in pieces.ring_table().splitlines()[2:]]
    betas = {"1": 1, "1/3": 1 / 3}
    settings = [(int(row[1]), betas[row[0]], 0.1) for row in rows]
    found = computed(
        "return data.map((row) => { const r = play.ring(...row); return [String(r.pieces), "
        "play.number(r.alpha, 3), play.number(r.gap, 3), play.number(r.bound), "
        "r.tied ? 'left to chance' : play.number(r.error)]; })",
        settings,
    )
    assert [row[2:] for row in rows] == found


PAGES = {
    "index": "# Playing\n\n"
    + "".join(f"```{{play}} {name}\n```\n\n" for name in pieces.PIECES)
    + ":::{predict}\n- all of it\n- *none*\n\nHalf, as it happens.\n:::\n\n"
    "```{toctree}\nfew\nguess\nother\n```\n",
    "few": "# Less\n\n```{play} ring\n```\n",
    "guess": "# Guessing\n\n:::{predict}\n- yes\n- no\n\nNo.\n:::\n",
    "other": "# Reading\n\nNothing to play with.\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("book")


@pytest.fixture(scope="module")
def site(folder):
    """A small book with pieces, a prediction, and a page without either."""
    return built(folder, PAGES)


@pytest.fixture(scope="module")
def chromium():
    try:
        with browser.browser() as started:
            yield started
    except browser.BrowserError as error:
        pytest.skip(f"the pages are not opened: {error}")


@pytest.fixture
def page(chromium, site, folder):
    """The page with all pieces in a browser, and the errors on its console."""
    context, errors = chromium.new_context(), []
    listen(context, errors)
    opened = browser.open_page(context, folder / "out" / "index.html")
    yield opened, errors
    context.close()


def built(folder, pages, warning=None):
    from sphinx.application import Sphinx

    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text)
    static = {
        "html_static_path": [str(BOOK / "_static")],
        "html_js_files": [f"play/{name}.js" for name in NAMES],  # as Jupyter Book lists them
        "html_css_files": ["book.css", "play/play.css"],
    }
    options = {"extensions": ["myst_parser", "play"], "myst_enable_extensions": ["colon_fence"]}
    out = folder / "out"
    app = Sphinx(
        folder, None, out, folder / "trees", "html", options | static,
        status=None, warning=warning,
    )  # fmt: skip
    app.build()
    return {name: (out / f"{name}.html").read_text() for name in pages}


def test_only_pages_that_play_load_scripts_and_only_theirs(site):
    def loaded(page):
        return [name for name in (*NAMES, "predict") if f"_static/play/{name}.js" in site[page]]

    assert loaded("index") == [*NAMES, "predict"]
    assert loaded("few") == ["play", "ring"]
    assert loaded("guess") == ["play", "predict"]
    assert loaded("other") == []
    assert "_static/play/play.css" in site["guess"] and "play/" not in site["other"]


def test_a_page_without_scripts_has_a_table_and_says_what_is_missing(site):
    assert site["index"].count(pieces.HINT) == len(pieces.PIECES)
    for piece in pieces.PIECES.values():
        assert piece.title in site["index"] and f'aria-label="{piece.title}"' in site["index"]
    assert "left to chance" in site["index"] and "hidden" not in site["index"]


def test_a_prediction_without_scripts_is_a_list_and_a_fold(site):
    fold = site["guess"].partition("<details")[2].partition("</details>")[0]
    assert f"{pieces.ANSWER}</summary>" in fold and "No." in fold
    before = site["guess"].partition("<details")[0]
    assert "yes" in before and "No." not in before


def test_a_keyboard_alone_works_every_piece_without_an_error(page):
    opened, errors = page
    assert opened.query_selector_all(".play-still:not([hidden])") == []
    assert keyboard_findings(opened) == [] and errors == []


def test_what_a_keyboard_cannot_work_is_found(page):
    opened, errors = page
    opened.add_style_tag(content="button:focus-visible { outline: none !important }")
    opened.evaluate("document.querySelectorAll('input').forEach((each) => (each.tabIndex = -1))")
    opened.evaluate("document.querySelector('.play-predict details').remove()")
    found = "\n".join(keyboard_findings(opened))
    assert "control 2 of weigh is not reached" in found
    assert "control 1 of a prediction does not show that it has the focus" in found
    opened.evaluate("console.error('broken')")
    assert errors[-1] == "console: broken"


def test_a_choice_is_marked_and_unfolds_the_answer(page):
    opened, _ = page
    buttons = opened.query_selector_all(".play-options button")
    assert [button.text_content().strip() for button in buttons] == ["all of it", "none"]
    buttons[1].click()
    assert [button.get_attribute("aria-pressed") for button in buttons] == ["false", "true"]
    assert opened.query_selector("details").evaluate("each => each.open")
    assert "You said: none." in opened.query_selector(".play-noted").text_content()


def test_a_picture_of_ones_own_is_shown_and_something_else_is_refused(page, tmp_path):
    from PIL import Image

    opened, _ = page
    green, words = tmp_path / "green.png", tmp_path / "words.png"
    Image.new("RGB", (60, 30), (0, 200, 0)).save(green)
    words.write_text("no picture")
    whole = (
        "() => [...document.querySelector('canvas').getContext('2d').getImageData(2, 2, 1, 1).data]"
    )
    chooser = opened.query_selector("input[type=file]")
    chooser.set_input_files(green)
    opened.wait_for_function(f"({whole})()[1] === 200")
    assert opened.evaluate(whole) == [0, 200, 0, 255]
    chooser.set_input_files(words)
    said = "document.querySelector('[data-play=views] [role=status]').textContent"
    opened.wait_for_function(f"{said}.includes('no picture')")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```{play} chess\n```", "no piece 'chess' to play; known: weigh, views, ring, seeds"),
        (":::{predict}\nOnly words.\n\nAnd more.\n:::", "give a list of options"),
        (":::{predict}\n- only\n- options\n:::", "give a list of options"),
    ],
)
def test_what_cannot_be_played_is_named(text, message, tmp_path):
    built(tmp_path, {"index": f"# Page\n\n{text}\n"}, warnings := io.StringIO())
    assert "ERROR" in warnings.getvalue() and message in warnings.getvalue()
