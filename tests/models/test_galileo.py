"""Galileo: numbers of the authors' code on the same weights, series with gaps, and what is refused."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from quadrat.models.cards.galileo import BANDS, CARDS
from quadrat.models.errors import UnusableModel, WeightsNotFound
from quadrat.models.spectrum import RADAR
from quadrat.models.weights.hashes import known_hash
from quadrat.models.weights.store import path_in_store

torch = pytest.importorskip("torch")
NANO = CARDS[0]
OPTICAL = ("blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir_narrow", "swir1", "swir2")
CASES = {
    # Bands of each date, months, pixels of a patch, patches a side, metres of a pixel.
    "both sensors, a cloud": ((*OPTICAL, "vv", "vh"), (11, 12, 1), 4, 3, 10.0),
    "one date of Sentinel-2": (OPTICAL, (7,), 8, 2, 10.0),
    "Sentinel-1, single pixels of 20 m": (("vv", "vh"), (4, 4, 9), 1, 4, 20.0),
    "some bands": (("blue", "green", "red", "nir", "swir1"), (5, 8), 3, 2, 9.5),
}
REFERENCE = {
    # First 4 dimensions of the patch in row 1, column 0; last 2 of that in the last row, column 1; first 3 of the mean.
    "both sensors, a cloud": (0.19409, -0.95749, -0.00594, 0.66435, 0.05769, 1.97466, 0.24449, -0.82386, -0.10084),
    "one date of Sentinel-2": (0.26773, -1.74069, -0.08544, 1.08505, -0.02484, 0.89081, 0.27159, -1.4063, -0.12522),
    "Sentinel-1, single pixels of 20 m": (
        -0.39558,
        1.48969,
        0.02855,
        0.18546,
        -0.10403,
        1.99458,
        -0.32922,
        1.50014,
        -0.0074,
    ),
    "some bands": (-0.02254, -0.25145, -0.211, 0.45834, 0.08621, 1.40187, -0.46774, -0.32173, -0.09371),
}
REAL = (0.00665, -0.00710, -0.00833, 0.02213, 0.00672, 0.04986, -0.16441, -0.01175)
"""With the official weights: first 4 dimensions of the patch in row 1, column 0, in a window of all, and by itself."""
OFFICIAL = "QUADRAT_GALILEO_NANO"
"""Names the official file of nano, where it is at hand."""
TINY = {"nano": (16, 2, 2), "tiny": (24, 3, 3), "base": (32, 1, 4)}
"""Width, depth and heads of the transformers of these tests."""


def official(size="nano"):
    """Seeded tensors named and shaped as in the official file, but narrower."""
    dim, depth, _ = TINY[size]
    quarter = dim // 4
    shapes = {
        "pos_embed": (24, quarter),
        "month_embed.weight": (12, quarter),
        "norm.weight": (dim,),
        "norm.bias": (dim,),
    }
    shapes |= {"s_t_channel_embed": (7, quarter), "sp_channel_embed": (3, quarter)}
    shapes |= {"t_channel_embed": (3, quarter), "st_channel_embed": (4, quarter)}
    for index in range(depth):
        shapes |= block(f"blocks.{index}", dim)
    maps = {"S1": 2, "S2_RGB": 3, "S2_Red_Edge": 3, "S2_NIR_10m": 1, "S2_NIR_20m": 1, "S2_SWIR": 2, "NDVI": 1}
    kernels = {f"space_time_embed.{name}": count for name, count in maps.items()}
    kernels |= {f"space_embed.{name}": count for name, count in {"SRTM": 2, "DW": 9, "WC": 5}.items()}
    for name, count in kernels.items():
        shapes |= {f"{name}.proj.weight": (dim, count, 8, 8), f"{name}.proj.bias": (dim,)}
    lines = {f"time_embed.{name}": count for name, count in {"ERA5": 2, "TC": 3, "VIIRS": 1}.items()}
    static = {"LS": 1, "location": 3, "DW_static": 9, "WC_static": 5}
    lines |= {f"static_embed.{name}": count for name, count in static.items()}
    for name, count in lines.items():
        shapes |= {f"{name}.weight": (dim, count), f"{name}.bias": (dim,)}
    rng = np.random.default_rng(7)
    made = {name: rng.standard_normal(shapes[name]) * 0.3 for name in sorted(shapes)}
    made |= {
        name: 1 + array
        for name, array in made.items()
        if name.endswith(("norm.weight", "norm1.weight", "norm2.weight"))
    }
    return {name: torch.from_numpy(np.ascontiguousarray(array, np.float32)) for name, array in made.items()}


def block(name, dim):
    shapes = {f"{name}.{norm}.{kind}": (dim,) for norm in ("norm1", "norm2") for kind in ("weight", "bias")}
    for layer, rows, cols in (("mlp.fc1", 4 * dim, dim), ("mlp.fc2", dim, 4 * dim)):
        shapes |= {f"{name}.{layer}.weight": (rows, cols), f"{name}.{layer}.bias": (rows,)}
    for layer in ("q", "k", "v", "proj"):
        shapes |= {f"{name}.attn.{layer}.weight": (dim, dim), f"{name}.attn.{layer}.bias": (dim,)}
    return shapes


def pixels_of(roles, dates, side):
    """(1, dates * roles, side, side) float32: waves about the numbers of pretraining."""
    row, col = np.mgrid[:side, :side].astype(np.float64)
    made = []
    for date in range(dates):
        for number, role in enumerate(roles):
            wave = np.sin(row / (2 + number) + date) * np.cos(col / (3 + date) + number)
            made.append(-14 + 4 * wave if role in RADAR else 1800 + 1200 * wave)
    return np.stack(made)[None].astype(np.float32)


def gone_in(case):
    """Date, patches and sensor of what is missing: a row at the first date, one patch of radar at the second."""
    if "cloud" not in case:
        return []
    return [(0, slice(0, 1), slice(0, 3), "optical"), (1, slice(2, 3), slice(1, 2), "radar")]


def with_gaps(case):
    """Pixels of a case, NaN where something is missing."""
    roles, months, patch, side, _ = CASES[case]
    pixels = pixels_of(roles, len(months), side * patch).reshape(len(months), len(roles), side * patch, -1)
    for date, rows, cols, kind in gone_in(case):
        bands = [number for number, role in enumerate(roles) if (role in RADAR) == (kind == "radar")]
        for band in bands:
            pixels[date, band, rows.start * patch : rows.stop * patch, cols.start * patch : cols.stop * patch] = np.nan
    return pixels.reshape(1, -1, side * patch, side * patch)


@pytest.fixture
def build(tools, tmp_path, monkeypatch):
    """A function that builds the tiny nano for a series; options go to the request."""
    from quadrat.models.definitions import galileo

    for size, numbers in TINY.items():
        monkeypatch.setitem(galileo.SIZES, size, numbers)
    path = tmp_path / "encoder.pt"
    torch.save(official(), path)

    def make(bands, when=(6,), **more):
        dates = tuple(f"date {number}" for number in range(len(when)) for _ in bands)
        given = {
            "roles": tuple(bands) * len(when), "dates": dates, "months": tuple(month for month in when for _ in bands),
            "card": NANO, "weights": str(path), "patch_size_px": 4, "pixel_m": 10.0, **more,
        }  # fmt: skip
        return galileo.build(tools.request_for(tools.scene(len(given["roles"])), **given))

    return make


@pytest.mark.parametrize("case", CASES)
def test_equals_the_code_of_the_authors(case, build):
    roles, months, patch, side, pixel = CASES[case]
    backbone = build(roles, months, patch_size_px=patch, pixel_m=pixel, tile_size_px=side * patch)
    pixels = with_gaps(case)
    valid = ~np.isnan(pixels).all(axis=1)
    found, pooled = backbone(pixels, valid)[0], backbone.pooled(pixels, valid)[0]
    assert found.shape == (16, side, side) and not backbone.exact
    numbers = np.concatenate([found[:4, 1, 0], found[-2:, -1, 1], pooled[:3]])
    np.testing.assert_allclose(numbers, REFERENCE[case], atol=2e-5)


def everything(series):
    return np.ones((1, *series.shape[2:]), bool)


@pytest.mark.parametrize("window", [0, 16])
def test_nothing_of_a_gap_has_influence(build, window):
    backbone = build(OPTICAL, (3, 7, 9), tile_size_px=window)
    series = pixels_of(OPTICAL, 3, 16)
    cloudy = series.copy()
    cloudy[0, 10:20, 4:7, 4:9] = np.nan
    found = backbone(cloudy, everything(series))
    assert np.isfinite(found).all()
    full = backbone(series, everything(series))
    same = np.zeros((4, 4), bool)
    if not window:
        same[:] = True
        same[1, 1:3] = False
        np.testing.assert_allclose(found[0][:, same], full[0][:, same], atol=1e-5)
    assert np.abs(found[0, :, 1, 1] - full[0, :, 1, 1]).max() > 1e-3


def test_a_patch_without_half_of_its_pixels_is_not_seen(build):
    backbone = build(("nir",), (3, 7))
    series = pixels_of(("nir",), 2, 4)
    eight, nine, none = series.copy(), series.copy(), series.copy()
    eight[0, 1, :2] = np.nan
    nine[0, 1, :2] = nine[0, 1, 2, 0] = np.nan
    none[0, 1] = np.nan
    seen, unseen, gone = (backbone(some, everything(series)) for some in (eight, nine, none))
    np.testing.assert_array_equal(unseen, gone)
    assert np.abs(seen - gone).max() > 1e-3
    filled = series.copy()
    filled[0, 1, :2] = series[0, 1, 2:].mean()
    np.testing.assert_allclose(seen, backbone(filled, everything(series)), atol=1e-5)
    nothing = backbone(np.full_like(series, np.nan), everything(series))
    assert (nothing == 0).all()


def test_a_cell_by_itself_does_not_depend_on_what_is_around(build):
    backbone = build(OPTICAL, (3, 7))
    assert backbone.exact and backbone.halo_px == 0 and backbone.tile_size_px == 32 * 4
    series = pixels_of(OPTICAL, 2, 24)
    whole = backbone(series, everything(series))
    part = np.ascontiguousarray(series[:, :, 8:16, 4:24])
    np.testing.assert_allclose(backbone(part, everything(part)), whole[:, :, 2:4, 1:6], atol=1e-5)
    np.testing.assert_allclose(backbone.pooled(series, everything(series)), whole.mean(axis=(2, 3)), atol=1e-5)


def test_months_and_pixels_are_inputs_and_no_space_of_their_own(build):
    june, july = build(OPTICAL, (6,)), build(OPTICAL, (7,))
    coarse = build(OPTICAL, (6,), pixel_m=30.0, tile_size_px=16)
    fine = build(OPTICAL, (6,), tile_size_px=16)
    series = pixels_of(OPTICAL, 1, 16)
    assert june.identity == july.identity != fine.identity == coarse.identity
    for one, other in ((june, july), (fine, coarse)):
        assert np.abs(one(series, everything(series)) - other(series, everything(series))).max() > 1e-3
    assert build(OPTICAL, (6, 7)).identity != june.identity != build(OPTICAL[:3], (6,)).identity
    assert build(OPTICAL, (6,), patch_size_px=2).identity != june.identity


def test_months_are_a_circle_that_begins_with_january():
    from quadrat.models.networks.galileo import month_table

    table = month_table(4).numpy()
    np.testing.assert_allclose(table[:, 0], np.sin(2 * np.pi * np.arange(12) / 12), atol=1e-6)
    np.testing.assert_allclose(table[:, 3], np.cos(2 * np.pi * np.arange(12) / 12), atol=1e-6)


@pytest.mark.parametrize("patch", range(1, 9))
def test_kernels_are_resized_by_what_undoes_the_resizing_of_patches(patch):
    from quadrat.models.networks.galileo import resizing

    basis = torch.eye(64).reshape(64, 1, 8, 8)
    shrunk = torch.nn.functional.interpolate(basis, (patch, patch), mode="bicubic", antialias=True)
    assert resizing(patch).shape == (patch**2, 64)
    np.testing.assert_allclose(resizing(patch) @ shrunk.reshape(64, -1).numpy(), np.eye(patch**2), atol=1e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"months": ()}, "must know the month of each date, 1 to 12. Give them as 'Months'"),
        ({"months": (0,) * 10}, "must know the month of each date"),
        ({"months": (13,) * 10}, "must know the month of each date"),
        ({"months": (1,)}, "must know role, date and month of each of the 10 bands"),
        ({"roles": ("thermal", *OPTICAL[1:])}, "has no weights for 'thermal'"),
        ({"roles": (OPTICAL[1], *OPTICAL[1:])}, "given twice for one date"),
        ({"roles": ("blue",), "dates": ("a",), "months": (1,)}, "none of these is there as a whole"),
        ({"patch_size_px": 9}, "gives cells of 1 to 8 px, not 9"),
        ({"tile_size_px": 3}, "smaller than a cell"),
        ({"scaling": "percentiles"}, "scales bands by the numbers of its training"),
    ],
)
def test_what_it_cannot_take_is_a_sentence(options, said, build):
    with pytest.raises(UnusableModel, match=said):
        build(OPTICAL, **options)


def test_too_many_dates(build):
    assert build(("nir",), range(1, 13)).in_chans == 12
    with pytest.raises(UnusableModel, match="takes 24 dates at most, but 25 are given"):
        build(("nir",), (6,) * 25)


def test_another_series_is_not_the_same_space(build):
    state = build(OPTICAL, (6, 7)).state()
    with pytest.raises(UnusableModel, match="made from 20 bands of all dates together, but 10 are given"):
        build(OPTICAL, (6,), state=state)
    with pytest.raises(UnusableModel, match="made from other bands, or other numbers of dates"):
        build(OPTICAL[::-1], (6, 7), state=state)
    assert build(OPTICAL, (1, 2), state=state).identity == build(OPTICAL, (6, 7)).identity


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"norm.bias": None}, "it lacks 'norm.bias'"),
        ({"mask_token": torch.zeros(4)}, "it holds a foreign 'mask_token'"),
        ({"norm.bias": torch.zeros(5)}, r"its 'norm.bias' is \(5,\), not \(16,\)"),
        ({"norm.bias": torch.zeros(16, dtype=torch.int64)}, "its 'norm.bias' holds whole numbers"),
    ],
)
def test_other_weights_are_refused(change, said, build, tmp_path):
    path = tmp_path / "odd.pt"
    torch.save({name: value for name, value in {**official(), **change}.items() if value is not None}, path)
    with pytest.raises(UnusableModel, match=rf"is not that of Galileo nano: {said}.*models/nano/encoder.pt"):
        build(OPTICAL, weights=str(path))


def test_other_sizes_and_damaged_files_are_refused(build, tmp_path):
    path = tmp_path / "tiny.pt"
    torch.save(official("tiny"), path)
    with pytest.raises(
        UnusableModel, match=r"holds Galileo tiny, but Galileo nano is asked for. Choose .*galileo-tiny"
    ):
        build(OPTICAL, weights=str(path))
    torch.save(official(), path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(UnusableModel, match=r"tiny\.pt"):
        build(OPTICAL, weights=str(path))
    torch.save({"norm": Path("a")}, path)
    with pytest.raises(UnusableModel, match="holds Python code or objects"):
        build(OPTICAL, weights=str(path))


def test_names_of_some_runs_are_accepted(build, tmp_path):
    path = tmp_path / "long.pt"
    torch.save({name.replace("blocks.", "blocks.backbone."): value for name, value in official().items()}, path)
    assert build(OPTICAL, weights=str(path)).embed_dim == 16


def test_weights_are_never_random(build, tmp_path, monkeypatch):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path))
    with pytest.raises(WeightsNotFound, match=r"galileo-nano, about 4 MB, licence MIT.*raw.githubusercontent.com"):
        build(OPTICAL, weights="")


def test_what_is_left_out_is_said(build):
    said = []
    build((*OPTICAL[:4], "nir"), (6, 7), log=said.append)
    assert "Groups of bands that are whole: colours, near infrared, NDVI." in said[0]
    assert "Left out, as bands are missing: radar, red edges, narrow near infrared, shortwave infrared." in said[0]
    build(("vv", "vh"), log=said.append, pixel_m=0.0)
    assert "The size of a pixel is not known; 10 m is assumed" in said[-1]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_cards(card):
    from quadrat.models.definitions.galileo import SIZES, official_shapes
    from quadrat.models.networks.galileo import MOST_DATES

    shapes = official_shapes(card.model)
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == card.weights.parameters
    assert (card.embed_dim, card.most_dates, card.series) == (SIZES[card.model][0], MOST_DATES, True)
    assert {role for group in card.together for role in group} == {*BANDS, *RADAR}
    assert set(official("base")) == {name for name in shapes if not name.startswith("blocks.") or ".0." in name[:9]}


def test_the_official_file(build, monkeypatch):
    """Numbers of the authors' code with the real weights of nano, where they are at hand."""
    from quadrat.models.definitions import galileo

    path = os.environ.get(OFFICIAL) or path_in_store(NANO.weights.name)
    if not path or not Path(path).is_file():
        pytest.skip(f"the official weights of nano are not on this computer; {OFFICIAL} may name them")
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == known_hash(NANO.weights)
    monkeypatch.setitem(galileo.SIZES, "nano", (128, 4, 8))
    roles, months, patch, side, _ = CASES["both sensors, a cloud"]
    pixels = with_gaps("both sensors, a cloud")
    valid = np.ones((1, side * patch, side * patch), bool)
    windows = build(roles, months, weights=str(path), patch_size_px=patch, tile_size_px=side * patch)
    found, alone = (
        windows(pixels, valid)[0],
        build(roles, months, weights=str(path), patch_size_px=patch)(pixels, valid)[0],
    )
    np.testing.assert_allclose(np.concatenate([found[:4, 1, 0], alone[:4, 1, 0]]), REAL, atol=2e-5)
