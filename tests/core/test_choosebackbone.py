"""The page of backbones: every card is on it, with why it fits or not."""

import numpy as np
import pytest
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.jobs.backbones import ChooseBackbone
from quadrat.core.jobs.cards import one_line, short_licence
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.models import registry

from .test_pair import write
from .test_scene import OPTICAL, RADAR, optical, radar


@pytest.fixture
def choose(tmp_path, monkeypatch):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "home"))

    def go(path, **options):
        said = []
        output = tmp_path / "page é.html"
        job = ChooseBackbone(input=path, output=str(output), **options)
        facts = run_job(job, Progress(log=lambda level, text: said.append(text))).facts
        return facts, {card["name"]: card for card in facts["cards"]}, output.read_text(encoding="utf-8"), said

    return go


def test_every_backbone_is_told_of(choose, tmp_path):
    facts, cards, page, said = choose(write(tmp_path / "s2 <b>.tif", optical(), names=OPTICAL))
    assert set(cards) == set(registry.BACKBONES)
    assert facts["default"] == registry.DEFAULT_BACKBONE
    for card in registry.BACKBONES.values():
        assert card.title in page and card.licence.split("(")[0] in page
        assert any(text.startswith(f"{card.title}: ") for text in said)
    assert "<b>.tif" not in page and "&lt;b&gt;.tif" in page
    assert "http" not in page.replace("https://", "").split("</style>")[0]
    croma = cards["croma-base"]
    assert croma["fits"] and croma["bands"] == list(range(1, 13)) and croma["cell"] == "80 m"
    assert croma["weights"] == "777 MB, about 1,011 MB of memory, not on this computer"
    assert page.count("taken by default") == 1


def test_what_does_not_fit_says_why_and_comes_last(choose, tmp_path):
    facts, cards, page, _ = choose(write(tmp_path / "rgb.tif", optical()[1:4], names=OPTICAL[1:4]))
    assert not cards["croma-base"]["fits"]
    assert "which this raster lacks" in cards["croma-base"]["why"]
    fits = [card["fits"] for card in facts["cards"]]
    assert fits == sorted(fits, reverse=True)
    assert page.index("These do not") < page.index("CROMA base")


def test_a_second_raster_and_roles_count(choose, tmp_path):
    unnamed = write(tmp_path / "a.tif", np.concatenate([radar(), radar(1)]).astype(np.float32))
    assert not choose(unnamed)[1]["croma-base"]["fits"]
    assert choose(unnamed, band_roles="vv=3 vh=4")[1]["croma-base"]["bands"] == [3, 4]
    s2 = write(tmp_path / "s2.tif", optical(), names=OPTICAL)
    s1 = write(tmp_path / "s1.tif", radar(), names=RADAR)
    assert len(choose(s2, second=s1)[1]["croma-base"]["bands"]) == 14


def test_a_raster_that_cannot_be_read_is_a_sentence(choose, tmp_path):
    with pytest.raises(BadInput, match="There is no file"):
        choose(str(tmp_path / "none.tif"))


def test_a_role_that_is_none_is_said_before_anything_is_read():
    assert "Did you mean red?" in ChooseBackbone(input="a.tif", output="a.html", band_roles="rod=1").problem()


def test_without_a_page_the_facts_are_told_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "home"))
    s2, s1 = write(tmp_path / "s2.tif", optical(), names=OPTICAL), write(tmp_path / "s1.tif", radar())
    job = ChooseBackbone.from_dict({"input": s2, "second": s1, "second_band_roles": "vh=1 vv=2"})
    result = run_job(job, Progress())
    assert result.outputs == {} and not list(tmp_path.glob("*.html"))
    croma = next(card for card in result.facts["cards"] if card["name"] == "croma-base")
    assert croma["proposals"][0].startswith("coastal=1 blue=2 green=3") and croma["proposals"][1] == "vv=2 vh=1"
    assert result.facts["recognised"]["title"] == "Sentinel-2" and result.facts["second_recognised"]["bands"]


def test_roles_of_a_second_raster_need_one():
    with pytest.raises(BadJob, match="no second raster"):
        ChooseBackbone.from_dict({"input": "/a.tif", "second_band_roles": "vv=1"})


def test_one_line_names_sensors_once():
    croma = registry.get("croma-base")
    assert one_line(croma, True) == "Sentinel-2 L2A, Sentinel-1 GRD, 10 m · 777 MB, on disk · MIT"
    assert one_line(registry.get("raw"), False, "about 3 s") == "any bands · no download · about 3 s · GPL-3.0-or-later"
    assert short_licence("") == ""


def test_months_are_judged_where_a_backbone_asks_for_them(choose, tmp_path, monkeypatch):
    ten = [name for name in OPTICAL if name not in ("B1", "B9", "B10")]
    plain = write(tmp_path / "plain.tif", optical()[: len(ten)], names=ten)
    asked = choose(plain)[1]["galileo-nano"]
    assert asked["fits"] and any("must know the month" in text for text in asked["warnings"])
    told = choose(plain, months="6")[1]["galileo-nano"]
    assert told["fits"] and not any("must know the month" in text for text in told["warnings"])
    wrong = choose(plain, months="6 7")[1]["galileo-nano"]
    assert not wrong["fits"] and "'Months' holds 2, but there are 1 dates" in wrong["why"]
    assert choose(plain, months="6 7")[1]["raw"]["fits"]
    monkeypatch.setattr("quadrat.core.pipelines.choosebackbone._on_disk", lambda card: card.name == "galileo-nano")
    assert [choose(plain, months=months)[0]["default"] for months in ("", "6")] == [
        registry.DEFAULT_BACKBONE, "galileo-nano",
    ]  # fmt: skip
    with pytest.raises(BadJob, match="'0' is no month"):
        ChooseBackbone.from_dict({"input": plain, "months": "0"})
