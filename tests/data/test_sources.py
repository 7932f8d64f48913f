"""Archives and folders of images: what is read, in which layout, and what is refused."""

import os
import pickle
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adainf_core.data.folder_files import ReadingWarning
from adainf_core.data.generated import generated_images
from adainf_core.data.image_files import BrokenImageError
from adainf_core.data.images import ImageSet
from adainf_core.data.sources import folder_source, npz_source

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (5, 3, 6, 8), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 1, 0])


def saved(tmp_path, compressed=False, **arrays):
    path = tmp_path / "set.npz"
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return path


# ---- npz


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("key", ["images", "image", "data", "arr_0"])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_npz_layouts_and_names(tmp_path, key, layout, compressed):
    pixels = PIXELS if layout == "nchw" else PIXELS.transpose(0, 2, 3, 1).copy()
    found = ImageSet.from_npz(saved(tmp_path, compressed, **{key: pixels}))
    assert np.array_equal(found.images, PIXELS)
    assert found.labels is None and found.classes is None and found.name == "set"


@pytest.mark.parametrize("key", ["labels", "label", "targets"])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.int32])
def test_npz_labels(tmp_path, key, dtype):
    found = ImageSet.from_npz(saved(tmp_path, images=PIXELS, **{key: LABELS.astype(dtype)}))
    assert np.array_equal(found.labels, LABELS) and found.labels.dtype == np.int64
    assert found.classes == 3


def test_labels_of_minus_one_mean_none(tmp_path):
    assert ImageSet.from_npz(saved(tmp_path, image=PIXELS, label=np.full(5, -1))).labels is None


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"images": PIXELS.astype("i8") * 2}, r"int64 from \d+ to 5\d\d, .* rescale them"),
        ({"images": PIXELS.astype("c8")}, "images are complex64"),
        ({"images": PIXELS[:, :2]}, r"shape \(5, 2, 6, 8\), need \(n, h, w, 3\)"),
        ({"images": PIXELS[:3, 0]}, r"save x\[None\] if it is one image, x\[:, None\] if all"),
        ({"images": PIXELS[0, 0]}, r"shape \(6, 8\)"),
        ({"images": np.uint8(3)}, r"shape \(\)"),
        ({"images": PIXELS.transpose(1, 0, 2, 3).copy()}, r"save x.transpose\(1, 0, 2, 3\)"),
        ({"images": np.zeros((0, 3, 6, 8), "f4")}, "the set is empty"),
        ({"images": PIXELS, "labels": LABELS[None]}, r"labels are int64 of shape \(1, 5\)"),
        ({"images": PIXELS, "labels": np.float64(3)}, r"labels are float64 of shape \(\)"),
        ({"images": PIXELS, "labels": LABELS * np.nan}, "nan is no whole number"),
        ({"images": PIXELS, "labels": LABELS * 1e300}, "number them from 0"),
        ({"images": PIXELS, "labels": LABELS.astype("u8") + 2**63}, "number them from 0"),
        ({"images": PIXELS, "labels": LABELS.astype("M8[D]")}, "labels are datetime64"),
        ({"images": PIXELS, "labels": LABELS, "class_names": LABELS}, "class_names is int64"),
    ],
)
def test_wrong_npz_is_named(tmp_path, arrays, says):
    with pytest.raises(ValueError, match=says):
        ImageSet.from_npz(saved(tmp_path, **arrays))


def test_pickled_labels_are_never_read(tmp_path):
    path = saved(tmp_path, images=PIXELS, labels=np.array([{}] * 5))
    with pytest.raises(ValueError, match=r"labels cannot be read \(Object arrays"):
        ImageSet.from_npz(path)


class Payload:
    """What writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("key", ["images", "labels", "more"])
def test_a_pickled_payload_is_never_run(tmp_path, key):
    payload = np.array([Payload(tmp_path / "run")] * 5)
    path = saved(tmp_path, **({"images": PIXELS} | {key: payload}))
    if key == "more":  # not looked at
        with pytest.warns(ReadingWarning, match=r"passed over: 1 array \(more\)"):
            assert len(ImageSet.from_npz(path)) == 5
    else:
        with pytest.raises(ValueError, match=r"images are object|labels cannot be read"):
            ImageSet.from_npz(path)
    assert not (tmp_path / "run").exists()
    pickle.loads(pickle.dumps(payload))  # which would have
    assert (tmp_path / "run").exists()


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_npz_is_one_error(tmp_path, kept, compressed):
    path = saved(tmp_path, compressed, images=np.tile(PIXELS, (50, 1, 1, 1)))
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(
        ValueError, match=r"set\.npz is (truncated or no npz|empty).*download it again"
    ):
        ImageSet.from_npz(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_flipped_byte_is_noticed(tmp_path, compressed):
    path = saved(tmp_path, compressed, images=np.tile(PIXELS, (50, 1, 1, 1)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match="truncated or no npz"):
        ImageSet.from_npz(path)


def test_a_damaged_list_of_members_hides_no_labels(tmp_path):
    path = saved(tmp_path, images=PIXELS, labels=LABELS)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"labels.npy")] ^= 1  # its other name, before the array, is sound
    path.write_bytes(content)
    with pytest.raises(ValueError, match="truncated or no npz archive"):
        ImageSet.from_npz(path)


@pytest.mark.parametrize("at", range(0, 128, 5))
def test_a_damaged_header_is_one_error_or_harmless(tmp_path, at):
    path = tmp_path / "set.npy"
    np.save(path, PIXELS)
    content = bytearray(path.read_bytes())
    for bit in range(8):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
        with suppress(ValueError):
            assert ImageSet.from_npz(path).images.tobytes() == PIXELS.tobytes()


def test_a_member_shorter_than_its_header_says(tmp_path):
    path = saved(tmp_path, images=PIXELS)
    with zipfile.ZipFile(path) as archive:
        content = archive.read("images.npy")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", content[:-100])
    with pytest.raises(ValueError, match="100 bytes short"):
        ImageSet.from_npz(path)


def test_a_missing_npz_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.npz: there is no such file or folder"):
        ImageSet.from_npz(tmp_path / "absent.npz")


def test_a_member_under_a_password_is_one_error(tmp_path):
    path = saved(tmp_path, images=PIXELS)
    content = bytearray(path.read_bytes())
    content[6] |= 1  # in the member's own header, and in the list of members
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"no npz archive \(.*password"):
        ImageSet.from_npz(path)


def test_an_npy_file_with_more_than_its_header_says_is_damaged(tmp_path):
    path = tmp_path / "set.npy"
    np.save(path, PIXELS)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ValueError, match=r"no npy file \(1 bytes too many\)"):
        ImageSet.from_npz(path)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_chunks_never_hold_the_whole_archive(tmp_path, compressed, order):
    images = np.zeros((20_000, 32, 32, 3), np.uint8, order)  # 61 MB
    images[:, 0, 0, 0] = np.arange(20_000) % 251
    path = saved(tmp_path, compressed, images=images)
    del images
    tracemalloc.start()
    seen = 0
    for chunk in npz_source(path).chunks():
        assert np.array_equal(chunk[:, 0, 0, 0], np.arange(seen, seen + len(chunk)) % 251)
        seen += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen == 20_000 and peak < 40e6


# ---- folders


def picture(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def upright(i=0):
    return PIXELS[i].transpose(1, 2, 0).copy()


def test_flat_folder_is_unlabelled_and_sorted(tmp_path):
    for i in (2, 0, 1):
        picture(tmp_path / f"{i}.png", upright(i))
    (tmp_path / "notes.txt").write_text("not an image")
    with pytest.warns(ReadingWarning, match=r"passed over: 1 file \(.txt 1\)"):
        found = ImageSet.from_folder(tmp_path)
    assert np.array_equal(found.images, PIXELS[:3])
    assert found.labels is None and found.name == tmp_path.name


def test_sub_folders_are_classes_as_torchvision_reads_them(tmp_path):
    from torchvision.datasets import ImageFolder

    names = ("b/1.png", "a/x.png", "b/deeper/0.png", "c/2.PNG")
    for i, name in enumerate(names):
        picture(tmp_path / name, upright(i))
    ours, theirs = ImageSet.from_folder(tmp_path), ImageFolder(str(tmp_path))
    assert ours.classes == 3
    pairs = {
        (pixels.tobytes(), int(label))
        for pixels, label in zip(ours.images, ours.labels, strict=True)
    }
    assert pairs == {
        (np.asarray(image).transpose(2, 0, 1).tobytes(), label) for image, label in theirs
    }


def test_images_are_turned_upright_and_to_rgb(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    picture(tmp_path / "0.png", np.rot90(upright(), 1).copy(), exif=exif)
    picture(tmp_path / "1.png", upright()[..., 0])
    palette = Image.fromarray(upright()).convert("P")
    palette.save(tmp_path / "2.png", transparency=b"\x00\xff")
    picture(tmp_path / "3.png", np.dstack([upright(), np.full((6, 8), 7, np.uint8)]))
    found = ImageSet.from_folder(tmp_path).images
    assert np.array_equal(found[0], PIXELS[0])
    assert (found[1] == PIXELS[0, 0]).all()
    assert np.array_equal(found[2], np.asarray(palette.convert("RGB")).transpose(2, 0, 1))
    assert np.array_equal(found[3], PIXELS[0])


def test_mixed_sizes_need_a_size(tmp_path):
    picture(tmp_path / "0.png", upright())
    picture(tmp_path / "1.png", upright()[:, :6])
    with pytest.raises(ValueError, match=r"1\.png is 6x6, 0\.png is 6x8: give size="):
        ImageSet.from_folder(tmp_path)
    found = ImageSet.from_folder(tmp_path, size=6).images
    assert np.array_equal(found[0], PIXELS[0, :, :, 1:7])  # the central square
    assert np.array_equal(found[1], PIXELS[0, :, :, :6])


def test_wrong_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent: there is no such file or folder"):
        ImageSet.from_folder(tmp_path / "absent")
    with pytest.raises(ValueError, match="holds no images"):
        ImageSet.from_folder(tmp_path)
    (tmp_path / "empty").mkdir()
    picture(tmp_path / "class" / "0.png", upright())
    with pytest.raises(ValueError, match="empty: this class holds no images"):
        ImageSet.from_folder(tmp_path)
    picture(tmp_path / "loose.png", upright())
    with pytest.raises(ValueError, match=r"loose images such as loose\.png"):
        ImageSet.from_folder(tmp_path)


def test_a_broken_image_is_named(tmp_path):
    path = picture(tmp_path / "0.png", upright())
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(BrokenImageError, match=r"0\.png is no readable image"):
        ImageSet.from_folder(tmp_path)
    path.write_bytes(b"text")
    with pytest.raises(BrokenImageError, match=r"0\.png is no readable image"):
        ImageSet.from_folder(tmp_path)


def test_a_flipped_bit_of_a_png_never_becomes_other_pixels(tmp_path):
    path = picture(tmp_path / "0.png", upright())
    content = path.read_bytes()
    noticed = 0
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with suppress(BrokenImageError):
            found = ImageSet.from_folder(tmp_path).images
            assert np.array_equal(found[0], PIXELS[0])
            continue
        noticed += 1
    assert noticed == len(content)


def test_a_png_cut_anywhere_is_named(tmp_path):
    path = picture(tmp_path / "0.png", upright())
    content = path.read_bytes()
    for kept in range(len(content)):
        path.write_bytes(content[:kept])
        with pytest.raises(BrokenImageError, match=r"0\.png is no readable image"):
            ImageSet.from_folder(tmp_path)


def test_broken_images_are_left_out_on_request(tmp_path):
    for i in range(5):
        picture(tmp_path / f"{i}.png", upright(i))
    for i in (0, 3):  # the first, which tells the size, among them
        (tmp_path / f"{i}.png").write_bytes(b"text")
    skipped = []
    source = folder_source(tmp_path, skipped=skipped)
    assert source.shape == (5, 3, 6, 8)
    assert np.array_equal(np.concatenate(list(source.chunks())), PIXELS[[1, 2, 4]])
    assert [path.name for path in skipped] == ["0.png", "3.png"]
    for path in tmp_path.iterdir():
        path.write_bytes(b"text")
    with pytest.raises(ValueError, match="none of its 5 image files can be read"):
        folder_source(tmp_path, skipped=[])


def test_a_file_the_system_does_not_give_is_not_called_broken(tmp_path, monkeypatch):
    picture(tmp_path / "0.png", upright())

    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(PermissionError, match=r"0\.png"):
        folder_source(tmp_path, skipped=[])


# values, how PIL keeps them, and the RGB they stand for
DEEP = np.array([[0, 128, 129, 257, 32_768, 65_535]], np.uint16).repeat(6, 0)
GREY = upright()[..., 0]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.fromarray(GREY), np.dstack([GREY] * 3)),
        (Image.fromarray(np.dstack([GREY, GREY]), "LA"), np.dstack([GREY] * 3)),
        (Image.fromarray(GREY > 100), np.dstack([GREY > 100] * 3) * np.uint8(255)),
        (Image.fromarray(upright()).convert("P"), None),
        # 16 bits span the whole range: 65535 is white, and rounding is to the nearest of 256
        (Image.fromarray(DEEP), np.dstack([np.uint8([[0, 0, 1, 1, 128, 255]]).repeat(6, 0)] * 3)),
        (Image.fromarray(np.dstack([upright(), GREY])), upright()),
    ],
    ids=["grey", "grey with alpha", "black and white", "palette", "16 bits", "alpha"],
)
def test_any_png_becomes_rgb(tmp_path, image, expected):
    image.save(tmp_path / "0.png")
    found = ImageSet.from_folder(tmp_path).images[0].transpose(1, 2, 0)
    assert np.array_equal(found, np.asarray(image.convert("RGB")) if expected is None else expected)


def test_deep_pixels_of_unknown_range_are_refused_not_clipped(tmp_path):
    picture(tmp_path / "0.tiff", np.full((6, 8), 40_000, np.uint16))
    with pytest.raises(ValueError, match="more than 8 bits"):
        ImageSet.from_folder(tmp_path)


def test_a_size_below_one_pixel_is_refused(tmp_path):
    picture(tmp_path / "0.png", upright())
    with pytest.raises(ValueError, match="size=0"):
        ImageSet.from_folder(tmp_path, size=0)


def test_a_folder_is_no_archive_and_a_file_no_folder(tmp_path):
    path = saved(tmp_path, images=PIXELS)
    with pytest.raises(ValueError, match=r"is a folder: read it as one \(from_folder\)"):
        ImageSet.from_npz(tmp_path)
    with pytest.raises(ValueError, match=r"set\.npz is a file: name a folder, or read it as an"):
        ImageSet.from_folder(path)
    for place in ("gone", "gone.npz"):
        with pytest.raises(FileNotFoundError, match="no such file or folder: name a store of gen"):
            generated_images(tmp_path / place)
