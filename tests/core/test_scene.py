"""Which band goes where: by role, from one raster or two, measured alike, and the same again for another raster."""

from types import SimpleNamespace

import numpy as np
import pytest
from quadrat.core.errors import BadInput
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.jobs.export import ExportOnnx
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.sidecar import read_sidecar

from .test_pair import write

OPTICAL = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
RADAR = ("VV", "VH")
SIDE = 24
"""One tile."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Seeded random weights of a tiny CROMA, in the groups of the official file."""
    torch = pytest.importorskip("torch")
    from quadrat.models.networks.croma import Croma

    torch.manual_seed(0)
    groups = {}
    for name, value in Croma(16, 2, 4).state_dict().items():
        group, _, rest = name.partition(".")
        groups.setdefault(group, {})[rest] = value
    path = tmp_path_factory.mktemp("weights") / "CROMA_base.pt"
    torch.save(groups, path)
    return str(path)


@pytest.fixture
def go(embed, weights, monkeypatch):
    from quadrat.models.definitions import croma

    monkeypatch.setitem(croma.SIZES, "base", croma.Size(16, 2, 4))

    def run(path, name="out.tif", **options):
        return embed(path, name, tile_size_px=24, **{**given(weights), **options})

    return run


def given(weights):
    return {"backbone": "croma-base", "weights": weights, "storage": "float32", "overlap_px": 0}


def optical(seed=0):
    """Reflectance x 10000 with dark water, so that nothing looks as if 1000 had been added."""
    values = np.random.default_rng(seed).uniform(200, 4000, (12, SIDE, SIDE))
    values[:, :6] = np.random.default_rng(seed + 1).uniform(5, 300, (12, 6, SIDE))
    return values.astype(np.uint16)


def radar(seed=0):
    return np.random.default_rng(seed + 9).normal((-9, -16), 2, (SIDE, SIDE, 2)).transpose(2, 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def s2(tmp_path_factory):
    return write(tmp_path_factory.mktemp("s2") / "s2.tif", optical(), names=OPTICAL)


@pytest.fixture(scope="module")
def s1(tmp_path_factory):
    return write(tmp_path_factory.mktemp("s1") / "s1.tif", radar(), names=RADAR)


@pytest.fixture(scope="module")
def of_s2(s2, weights):
    """The embedding of the optical bands."""
    return plain(s2, weights)


@pytest.fixture(scope="module")
def of_s1(s1, weights):
    """The embedding of the radar."""
    return plain(s1, weights)


def plain(path, weights):
    """Path and values of an embedding without further options, beside its raster."""
    from quadrat.models.definitions import croma

    output = path.replace(".tif", "_embedded.tif")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(croma.SIZES, "base", croma.Size(16, 2, 4))
        run_job(EmbedRaster(input=path, output=output, tile_size_px=24, **given(weights)), Progress())
    with open_raster(output) as reader:
        return SimpleNamespace(path=output, values=reader.read(reader.grid.whole)[0])


def test_both_sensors_in_one_raster_or_two_are_the_same(go, s2, s1, tmp_path):
    both = write(
        tmp_path / "both.tif", np.concatenate([radar(), optical().astype(np.float32)]), names=(*RADAR, *OPTICAL)
    )
    one, pair, turned = go(both, "a.tif"), go(s2, "b.tif", second=s1), go(s1, "c.tif", second=s2)
    assert one.values.shape == (16, SIDE // 8, SIDE // 8)
    np.testing.assert_allclose(pair.values, one.values, atol=1e-5)
    np.testing.assert_allclose(turned.values, one.values, atol=1e-5)
    assert "vv = band 1 of the second" in pair.text
    assert read_sidecar(pair.path)["facts"]["space"]["roles"][-2:] == ["vv", "vh"]


def test_each_sensor_alone(of_s2, of_s1):
    assert not np.allclose(of_s2.values, of_s1.values)


def test_missing_bands_are_named(go, s1, tmp_path):
    some = write(tmp_path / "s2.tif", optical()[:4], names=OPTICAL[:4])
    with pytest.raises(BadInput, match=r"needs the red edge 1 \(B5\).*which this raster lacks"):
        go(some)
    with pytest.raises(BadInput, match=r"needs the red edge 1.*which these rasters lack.*To embed Sentinel-1.*leave"):
        go(some, second=s1)


def test_bands_are_found_whatever_their_order(go, of_s2, tmp_path):
    turned = write(tmp_path / "turned.tif", optical()[::-1].copy(), names=OPTICAL[::-1])
    np.testing.assert_array_equal(go(turned, "a.tif").values, of_s2.values)


def test_names_that_say_nothing_can_be_corrected(go, of_s2, tmp_path):
    turned = write(tmp_path / "turned.tif", optical()[::-1].copy())
    numbers = tuple(range(12, 0, -1))
    np.testing.assert_array_equal(go(turned, "a.tif", bands=numbers).values, of_s2.values)
    roles = "swir2=1 swir1=2 water_vapour=3 nir_narrow=4 nir=5 rededge3=6 rededge2=7 rededge1=8 red=9 green=10 blue=11"
    again = go(turned, "c.tif", band_roles=f"{roles} coastal=12")
    np.testing.assert_array_equal(again.values, of_s2.values)


def test_the_same_space_takes_bands_by_role(go, of_s2, s1, tmp_path):
    other = write(tmp_path / "later.tif", optical(5)[::-1].copy(), names=OPTICAL[::-1])
    straight = write(tmp_path / "straight.tif", optical(5), names=OPTICAL)
    again, expected = go(other, "b.tif", like=of_s2.path), go(straight, "c.tif", like=of_s2.path)
    np.testing.assert_array_equal(again.values, expected.values)
    with pytest.raises(BadInput, match="needs the coastal aerosol"):
        go(s1, "d.tif", like=of_s2.path)


def test_power_and_decibels_are_the_same(go, of_s1, tmp_path):
    power = write(tmp_path / "power.tif", 10 ** (radar() / 10), names=RADAR)
    again = go(power, "a.tif", values="power")
    np.testing.assert_allclose(again.values, of_s1.values, atol=1e-3)


def test_an_added_thousand_does_not_part_two_dates(go, of_s2, tmp_path):
    first = of_s2
    shifted = write(tmp_path / "late.tif", optical() + 1000, names=OPTICAL)
    again = go(shifted, "b.tif", like=first.path, values="x10000+1000")
    np.testing.assert_allclose(again.values, first.values, atol=1e-3)
    other = go(shifted, "c.tif", like=first.path, values="x10000")
    assert np.abs(other.values - first.values).max() > 0.01


def test_the_published_statistics_are_another_space(go, s2, of_s2):
    assert not np.allclose(go(s2, "a.tif", scaling="batch").values, of_s2.values)


def test_roles_without_a_backbone_that_asks_are_refused():
    job = EmbedRaster(input="a.tif", output="b.tif", band_roles="red=1")
    assert "takes any bands" in job.problem()
    job = EmbedRaster(input="a.tif", output="b.tif", backbone="croma-base", band_roles="rod=1")
    assert "Did you mean red?" in job.problem()


def test_the_twin_takes_what_is_measured(go, s2, s1, embed, tmp_path):
    pytest.importorskip("onnx")
    first = go(s2, "a.tif", second=s1)
    twin = str(tmp_path / "croma.onnx")
    run_job(ExportOnnx(embedding=first.path, output=twin), Progress())
    options = {"backbone": "onnx", "model": twin, "storage": "float32", "overlap_px": 0}
    again = embed(s2, "b.tif", second=s1, **options)
    np.testing.assert_allclose(again.values, first.values, atol=1e-4)
    assert "croma.onnx (CROMA base) gets: coastal = band 1" in again.text
    power = write(tmp_path / "power.tif", 10 ** (radar()[::-1] / 10), names=RADAR[::-1])
    turned = embed(power, "c.tif", second=s2, values="power", **options)
    np.testing.assert_allclose(turned.values, first.values, atol=1e-3)
    with pytest.raises(BadInput, match=r"croma.onnx \(CROMA base\) needs the radar VV"):
        embed(s2, "d.tif", **options)
    unknown = write(tmp_path / "unknown.tif", np.full((2, SIDE, SIDE), 3e5, np.float32), names=RADAR)
    with pytest.raises(BadInput, match="Values of the bands"):
        embed(s2, "e.tif", second=unknown, **options)
    late = embed(s2, "f.tif", second=s1, like=again.path, **options)
    np.testing.assert_array_equal(late.values, again.values)


def test_a_twin_for_any_bands_takes_them_as_they_come(embed, s2, tmp_path):
    """Nor does a file of another program, whatever it says of itself."""
    pytest.importorskip("onnx")
    from quadrat.tests.models.conftest import save_onnx

    for notes in ({}, {"quadrat_card": "{}"}, {"quadrat_card": '{"title": "x", "bands": ["b"], "units": []}'}):
        path = save_onnx(tmp_path / "other.onnx", in_chans=12, metadata=notes)
        made = embed(s2, f"{len(str(notes))}.tif", backbone="onnx", model=str(path), tile_size_px=32)
        assert "gets" not in made.text
    with pytest.raises(BadInput, match="takes any bands"):
        embed(s2, "x.tif", backbone="onnx", model=str(path), band_roles="red=1", tile_size_px=32)


def test_which_date_of_a_series_is_taken_is_said(go, of_s1, tmp_path):
    names = [f"{band}_2021-{month:02}" for month in (5, 6) for band in RADAR]
    series = write(tmp_path / "series.tif", np.concatenate([radar(1), radar()]), names=names)
    first = go(series, "a.tif")
    assert "series of 2 dates; of 2021-05 are the bands" in first.text and "'date=2021-06'" in first.text
    later = go(series, "b.tif", band_roles="date=2021-06")
    assert "series" not in later.text
    np.testing.assert_array_equal(later.values, of_s1.values)


def test_radar_is_doubted_where_it_cannot_be_what_is_said(go, s1, tmp_path):
    assert "holds negative numbers, as decibels are, but 'power' was chosen" in go(s1, "a.tif", values="power").text
    empty = write(tmp_path / "empty.tif", np.zeros((2, SIDE, SIDE), np.float32), names=RADAR)
    assert "db (backscatter in decibels), power" in go(empty, "b.tif").text


def test_bands_of_the_second_are_given_in_one_way():
    given = {"input": "a.tif", "output": "b.tif", "backbone": "croma-base", "second": "c.tif"}
    job = EmbedRaster(**given, second_bands=(1,), second_band_roles="vv=1")
    assert "not both" in job.problem()
