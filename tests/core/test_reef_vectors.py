"""Vectors at the points of photos: patches, photos of all kinds, what is kept, and what is refused."""

import importlib.util
import os
import shutil
import warnings
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.errors import BadInput, BadJob, Cancelled, Stale, Unwritable
from quadrat.core.progress import Progress
from quadrat.core.reef import build
from quadrat.core.reef.survey import Survey
from quadrat.core.reef.vectors import source as loop
from quadrat.core.reef.vectors.patches import Picture, cut
from quadrat.core.reef.vectors.pictures import UnreadablePhoto, read_picture
from quadrat.core.reef.vectors.points import point_vectors
from quadrat.core.reef.vectors.request import MIRROR, WHITE, VectorRequest, photo_backbones
from quadrat.core.reef.vectors.store import VectorStore, store_path
from quadrat.tests.core.reefwork import exif_block, write_photo

SIDE = 32
QUICK = VectorRequest("raw", patch_px=SIDE, threads=1)
"""Means of bands: known without a network."""
PLACES = ((0, 0), (20, 25), (39, 49))
SUMS = ((6557609, 6604278, 6350209), (6337055, 6389622, 6340647), (6205621, 6358486, 6331600),
        (6538484, 6589791, 6362403))  # fmt: skip
"""Of the bands of four patches that pyspacer 0.14 cuts out of `waves`."""
REFERENCE = (
    (2.763112, -0.197101, 2.099046, 2.158502, 2.293896, -0.072849, 1.46085, -0.197213),
    (3.187294, -0.185449, 2.513959, 2.42226, 2.590507, -0.102276, 1.512342, -0.212979),
    (3.040112, -0.18805, 2.014185, 2.192513, 2.221326, -0.059209, 1.51197, -0.221407),
    (3.145988, -0.160962, 2.589979, 2.455472, 2.503355, -0.088078, 1.658137, -0.194665),
)
"""Its features 0, 160, 320 ... of these patches by the network of `test_coralnet.official`."""
CORNERS = ((0, 0), (115, 130), (229, 259), (3, 200))


def waves():
    """(3, 230, 260) uint8."""
    row, col = np.mgrid[:230, :260]
    bands = [127 + 60 * np.sin(row / (4 + band)) + 60 * np.cos((row + (2 + band) * col) / 9) for band in range(3)]
    return np.floor(bands).astype(np.uint8)


def save(path, values, **more):
    """A picture by the name of its format; `more` goes to GDAL."""
    driver = {".png": "PNG", ".tif": "GTiff", ".jpg": "JPEG"}[Path(path).suffix]
    profile = {"count": len(values), "height": values.shape[1], "width": values.shape[2], "dtype": values.dtype}
    palette = more.pop("palette", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", driver=driver, **profile, **more) as file:
            file.write(values)
            if palette:
                file.write_colormap(1, palette)
    Path(f"{path}.aux.xml").unlink(missing_ok=True)
    return str(path)


def survey_of(folder, photos, places=PLACES):
    """A survey of (file name, size, window) with points at the same places of each."""
    path = str(folder / "reef.gpkg")
    put = (
        'INSERT INTO photos (name, path, width, height, "window", points, annotated, state, orientation) VALUES '
        "(?, ?, 0, 0, ?, 0, 0, 'no points', 6)"
    )
    with build.changing("", path) as survey:
        for name, window in photos:
            survey.connection.execute(put, (f"{name} {window}".strip(), name, window))
        for number in range(1, len(photos) + 1):
            survey.add_points(number, places)
    return path


@pytest.fixture
def reef(tmp_path):
    """Five photos of 40 x 50 px with three points each."""
    rng = np.random.default_rng(0)
    names = [f"p{number}.png" for number in range(5)]
    for name in names:
        save(tmp_path / name, rng.integers(0, 256, (3, 40, 50)).astype(np.uint8))
    return survey_of(tmp_path, [(name, "") for name in names])


def vectors(path, request=QUICK, progress=None, photos=slice(None), **more):
    with Survey(path) as survey:
        return point_vectors(survey, survey.photos()[photos], request, progress or Progress(), **more)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 30), st.integers(1, 30), st.integers(1, 45), st.sampled_from([MIRROR, WHITE]), st.integers(0, 99),
)  # fmt: skip
def test_a_patch_is_what_numpy_pads(height, width, side, padding, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 255, (3, height, width)).astype(np.uint8)
    valid = rng.random((height, width)) < 0.8
    rows, cols = rng.integers(0, height, 3), rng.integers(0, width, 3)
    made, known = cut(Picture(values, valid), rows, cols, side, padding)
    around = ((0, 0), (side, side), (side, side))
    how = {"mode": "reflect"} if padding == MIRROR else {"constant_values": 255}
    padded = np.pad(values, around, **how)
    seen = np.pad(valid, side, **({"mode": "reflect"} if padding == MIRROR else {"constant_values": True}))
    for number, (row, col) in enumerate(zip(rows, cols)):
        at = np.s_[
            row + side - side // 2 : row + 2 * side - side // 2, col + side - side // 2 : col + 2 * side - side // 2
        ]
        np.testing.assert_array_equal(made[number], padded[(slice(None), *at)])
        np.testing.assert_array_equal(known[number], seen[at])
    assert cut(Picture(values), rows, cols, side, padding)[1] is None


def test_patches_are_those_of_pyspacer():
    made, known = cut(Picture(waves()), *np.array(CORNERS).T, 224, MIRROR)
    assert known is None
    np.testing.assert_array_equal(made.sum(axis=(2, 3), dtype=np.int64), SUMS)
    # Corners and a place near an edge, which sums alone would not tell from a patch that is turned.
    assert made[0][:, (0, 223, 5), (0, 223, 200)].T.tolist() == [[199, 156, 165], [202, 150, 130], [246, 104, 120]]
    assert made[3][:, (0, 223, 5), (0, 223, 200)].T.tolist() == [[236, 89, 123], [82, 143, 103], [231, 240, 113]]


@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")
def test_features_are_those_of_pyspacer(tmp_path):
    torch = pytest.importorskip("torch")
    from quadrat.tests.models.test_coralnet import official

    torch.save({"net": official()}, tmp_path / "coralnet.pt")
    save(tmp_path / "waves.png", waves())
    path = survey_of(tmp_path, [("waves.png", "")], CORNERS)
    request = VectorRequest("coralnet-efficientnet-b0", weights=str(tmp_path / "coralnet.pt"), threads=1)
    found = vectors(path, request)
    assert found.X.shape == (4, 1280)
    np.testing.assert_allclose(found.X[:, ::160], REFERENCE, atol=3e-5)


def test_photos_of_all_kinds(tmp_path):
    rng = np.random.default_rng(1)
    rgb = rng.integers(0, 256, (3, 8, 9)).astype(np.uint8)
    plain = read_picture(save(tmp_path / "rgb.png", rgb))
    np.testing.assert_array_equal(plain.values, rgb)
    assert plain.valid is None and (plain.top, plain.left) == (0, 0)
    grey = read_picture(save(tmp_path / "grey.png", rgb[:1])).values
    np.testing.assert_array_equal(grey, np.repeat(rgb[:1], 3, 0))
    deep = read_picture(save(tmp_path / "deep.png", rgb.astype(np.uint16) * 257)).values
    np.testing.assert_array_equal(deep, rgb)
    twelve = ((rgb.astype(np.uint32) * 4095 + 127) // 255).astype(np.uint16)
    noted = read_picture(save(tmp_path / "twelve.tif", twelve, nbits=12)).values
    np.testing.assert_array_equal(noted, rgb)
    alpha = np.where(rng.random((1, 8, 9)) < 0.7, 255, 0).astype(np.uint8)
    see = read_picture(save(tmp_path / "alpha.png", np.concatenate([rgb, alpha])))
    np.testing.assert_array_equal(see.values, rgb)
    np.testing.assert_array_equal(see.valid, alpha[0] > 0)
    table = {number: (number, 255 - number, 7, 255) for number in range(256)}
    indexed = read_picture(save(tmp_path / "palette.png", rgb[:1], palette=table)).values
    np.testing.assert_array_equal(indexed, [rgb[0], 255 - rgb[0], np.full((8, 9), 7)])
    ink = read_picture(save(tmp_path / "ink.tif", np.full((4, 8, 9), 50, np.uint8), photometric="CMYK"))
    assert set(ink.values.ravel()) == {164}  # (255 - 50)² / 255
    turned = read_picture(write_photo(tmp_path / "turned.jpg", 20, 30, exif_block(orientation=6)))
    assert turned.values.shape == (3, 20, 30)


def test_what_is_no_photo_is_refused(tmp_path):
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing more")
    for path, why in (
        (save(tmp_path / "float.tif", np.zeros((3, 8, 9), np.float32)), "type float32"),
        (str(tmp_path / "cut.jpg"), "cannot be read"),
        (str(tmp_path / "none.jpg"), "cannot be read"),
    ):
        with pytest.raises(UnreadablePhoto, match=why):
            read_picture(path)


def test_a_quadrat_sees_the_orthomosaic_around_it(tmp_path):
    whole = np.random.default_rng(2).integers(1, 256, (3, 90, 80)).astype(np.uint8)
    save(tmp_path / "mosaic.tif", whole)
    places = [(0, 0), (19, 29)]
    path = survey_of(tmp_path, [("mosaic.tif", "40,30,20,30"), ("mosaic.tif", "0,0,20,30")], places)
    found = vectors(path)
    expected, _ = cut(Picture(whole), np.array([40, 59, 0, 19]), np.array([30, 59, 0, 29]), SIDE, MIRROR)
    np.testing.assert_allclose(found.X, expected.mean(axis=(2, 3)), rtol=1e-5)
    assert vectors(path).made == 0
    with Survey(path) as survey:
        virtual = f"/vsisubfile/0_{(tmp_path / 'mosaic.tif').stat().st_size},{tmp_path / 'mosaic.tif'}"
        survey.connection.execute("UPDATE photos SET path = ? WHERE photo = 1", (virtual,))
        survey.connection.execute("UPDATE photos SET path = 'gone.tif' WHERE photo = 2")
    assert (vectors(path, photos=slice(0, 1)).made, vectors(path, photos=slice(0, 1)).made) == (2, 0)
    np.testing.assert_array_equal(vectors(path).X, found.X[:2])
    with pytest.raises(BadInput, match=r"cannot be read \(.*gone.tif: No such file"):
        vectors(path, photos=slice(1, 2))
    outside = survey_of(tmp_path, [("mosaic.tif", "80,70,20,30")], [(15, 25)])
    with pytest.raises(BadInput, match=r"is 10 x 10 px, and 1 of its points lie outside"):
        vectors(outside)


def test_order_and_numbers_are_those_of_the_survey(reef):
    found = vectors(reef, photos=slice(None, None, -1))
    assert found.photo.tolist() == np.repeat([5, 4, 3, 2, 1], 3).tolist()
    assert found.point.tolist() == [13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3]
    with rasterio.open(Path(reef).parent / "p3.png") as file:
        patch, _ = cut(Picture(file.read()), np.array([20]), np.array([25]), SIDE, MIRROR)
    np.testing.assert_allclose(found.X[4], patch[0].mean(axis=(1, 2)), rtol=1e-5)
    some = vectors(reef, points=[2, 14, 15])
    np.testing.assert_array_equal(some.X, found.X[[13, 1, 2]])
    assert not vectors(reef, photos=slice(0, 0)).X.size


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_batches_change_nothing(reef, batch):
    expected = vectors(reef)
    store_path(reef).unlink()
    found = vectors(reef, VectorRequest("raw", patch_px=SIDE, batch=batch))
    np.testing.assert_allclose(found.X, expected.X, rtol=1e-6)


def test_batches_are_small_where_a_patch_costs_much():
    cost = {name: loop.suitable_batch(VectorRequest(name), "CPU, 2 threads") for name in photo_backbones()}
    assert cost["colour-texture"] == cost["coralnet-efficientnet-b0"] == 16
    assert cost["dinov2-small"] == cost["segment-anything-base"] == 1 < cost["resnet18"] < 16
    large = VectorRequest("dinov2-base", patch_px=1024)
    assert (
        loop.suitable_batch(VectorRequest("dinov2-base"), "CUDA: x") == 128 > loop.suitable_batch(large, "CUDA: x") > 1
    )


def test_each_photo_is_looked_at_once(reef):
    first = vectors(reef)
    assert first.made == 15 and first.lacking == {}
    again = vectors(reef)
    assert again.made == 0 and again.identity == first.identity
    np.testing.assert_array_equal(again.X, first.X)
    with Survey(reef) as survey:
        new = survey.add_points(2, [(7, 7)])[0]
    more = vectors(reef)
    assert more.made == 1
    np.testing.assert_array_equal(np.delete(more.X, more.point == new.point, axis=0), first.X)
    for other in (VectorRequest("raw", patch_px=SIDE, padding=WHITE), VectorRequest("raw", patch_px=34)):
        found = vectors(reef, other)
        assert found.made == 16 and found.identity != first.identity
    assert vectors(reef).made == 0


def test_a_photo_that_changed_is_looked_at_again_and_one_that_moved_is_not(reef, tmp_path):
    first = vectors(reef)
    save(tmp_path / "p1.png", np.full((3, 40, 50), 9, np.uint8))
    os.utime(tmp_path / "p2.png", ns=(1, 1))
    found = vectors(reef)
    assert found.made == 3
    np.testing.assert_allclose(found.X[3:6], 9, rtol=1e-6)
    np.testing.assert_array_equal(np.delete(found.X, range(3, 6), 0), np.delete(first.X, range(3, 6), 0))
    shutil.copytree(tmp_path, tmp_path.with_name("elsewhere"), copy_function=shutil.copyfile)
    assert vectors(str(tmp_path.with_name("elsewhere") / "reef.gpkg")).made == 0


def test_a_run_that_was_stopped_goes_on(reef):
    class Stops(Progress):
        def checkpoint(self, fraction=None, text=""):
            if fraction is not None and fraction > 0.5:
                raise Cancelled("stop")

    with pytest.raises(Cancelled):
        vectors(reef, VectorRequest("raw", patch_px=SIDE, batch=1), Stops())
    rest = vectors(reef)
    assert 0 < rest.made < 15
    store_path(reef).unlink()
    np.testing.assert_allclose(vectors(reef).X, rest.X, rtol=1e-6)


def test_what_is_known_waits_in_bounded_numbers(reef, monkeypatch):
    monkeypatch.setattr(loop, "MOST_WAITING", 1)
    expected = vectors(reef)
    with Survey(reef) as survey:
        survey.add_points(1, [(3, 3)])
    found = vectors(reef)
    assert found.made == 1
    np.testing.assert_array_equal(np.delete(found.X, 3, axis=0), expected.X)


def test_vectors_that_cannot_be_recalled_are_made_again(reef, monkeypatch):
    expected = vectors(reef)

    def held(*_):
        raise Unwritable("Vectors cannot be kept: database is locked.")

    monkeypatch.setattr(VectorStore, "get", held)
    found = vectors(reef)
    assert found.made == len(expected.point)
    np.testing.assert_allclose(found.X, expected.X, rtol=1e-6)


def test_photos_that_lack_are_told(reef, tmp_path):
    (tmp_path / "p0.png").unlink()
    with Survey(reef) as survey:
        survey.add_points(2, [(40, 0)])
    found = vectors(reef)
    assert set(found.lacking) == {"p0.png", "p1.png"}
    assert "No such file" in found.lacking["p0.png"]
    assert "1 of its points lie outside, the first at row 40, column 0" in found.lacking["p1.png"]
    assert found.photo.tolist() == np.repeat([3, 4, 5], 3).tolist()
    with pytest.raises(BadInput, match=r"None of the 2 photos .* p0.png, cannot be read"):
        vectors(reef, photos=slice(0, 2))


def test_features_that_are_drawn_stay_those_of_the_survey(reef):
    request = VectorRequest("mosaiks", patch_px=SIDE, threads=1)
    first = vectors(reef, request, photos=slice(0, 2))
    later = vectors(reef, request)
    assert later.identity == first.identity and later.made == 9
    store_path(reef).unlink()
    drawn = vectors(reef, request)
    assert drawn.identity != first.identity
    again = vectors(reef, request, state=first.state, identity=first.identity)
    np.testing.assert_allclose(again.X, later.X, rtol=1e-5, atol=1e-6)
    with pytest.raises(Stale, match="does not give the vectors that the model learnt from"):
        vectors(reef, request, state=drawn.state, identity=first.identity)


def test_colour_and_texture_mean_the_same_everywhere_and_however_turned(reef, tmp_path):
    request = VectorRequest(patch_px=SIDE, threads=1)
    found = vectors(reef, request)
    assert found.X.shape == (15, 852) and np.isfinite(found.X).all()
    other = tmp_path / "other"
    other.mkdir()
    with rasterio.open(tmp_path / "p4.png") as file:
        patch, _ = cut(Picture(file.read()), np.array([20]), np.array([25]), SIDE, MIRROR)
    save(other / "turned.png", np.ascontiguousarray(np.rot90(patch[0], 1, (1, 2))))
    turned = vectors(survey_of(other, [("turned.png", "")], [(SIDE // 2, SIDE // 2)]), request)
    assert turned.identity == found.identity
    np.testing.assert_allclose(turned.X[0], found.X[13], atol=1e-4)
    assert np.abs(found.X[12] - found.X[13]).max() > 0.05


def test_what_cannot_be_done_is_said(reef):
    for request, why in (
        (VectorRequest("croma-base"), "does not take colour photographs. Choose one of: colour-texture,"),
        (VectorRequest("colour-textur"), "Did you mean colour-texture"),
        (VectorRequest("raw", padding="black"), "no padding 'black'"),
        (VectorRequest("raw", patch_px=8), "patch of 8 px"),
        (VectorRequest("timm"), "needs the name of a model"),
    ):
        with pytest.raises(BadJob, match=why):
            vectors(reef, request)
    assert photo_backbones()[0] == VectorRequest().backbone
    assert "coralnet-efficientnet-b0" in photo_backbones() and "galileo-tiny" not in photo_backbones()
    stored = VectorRequest("raw", weights="a", padding=WHITE, seed=3, threads=2)
    assert VectorRequest.from_facts(stored.facts(), threads=2) == stored


def test_a_store_that_cannot_be_used(reef):
    store = store_path(reef)
    store.write_bytes(b"this is no database" * 100)
    with pytest.raises(BadInput, match=r"is damaged .* Delete it"):
        vectors(reef)
    store.unlink()
    store.mkdir()
    told = []
    found = vectors(reef, progress=Progress(log=lambda level, text: told.append((level, text))))
    assert found.made == 15
    assert [level for level, text in told if "cannot be kept" in text] == ["warning"]
    store.rmdir()
    vectors(reef)
    with closing(VectorStore(reef)) as opened:
        opened._connection.execute("PRAGMA user_version = 99")
    with pytest.raises(BadInput, match="newer version"):
        vectors(reef)
