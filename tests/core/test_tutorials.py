"""Pages that come with the plugin: as new as their text, whole, and true of what the toolbox shows."""

import importlib.util
import re
import struct
from pathlib import Path

import pytest
from quadrat.core.jobs.registry import JOBS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "resources" / "tutorials"
PAGES = sorted(FOLDER.glob("*.md"))
EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
pytestmark = pytest.mark.same_without_torch


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("pages_tool", ROOT / "resources" / "tools" / "pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@EACH
def test_the_html_is_what_the_text_makes(tool, page):
    wanted = tool.render(page.read_text(encoding="utf-8"))
    assert page.with_suffix(".html").read_text(encoding="utf-8") == wanted, "run resources/tools/pages.py"


@EACH
def test_pictures_are_there_and_small(page):
    names = re.findall(r'<img src="([^"]+)" alt="[^"]+"', page.with_suffix(".html").read_text(encoding="utf-8"))
    assert names or page.stem == "cluster"  # commands and addresses alone
    for name in names:
        data = (FOLDER / name).read_bytes()
        width, height = struct.unpack(">II", data[16:24])
        assert data[1:4] == b"PNG" and max(width, height) <= 1200 and len(data) < 200_000, name


@EACH
def test_links_inside_the_page_lead_somewhere(page):
    text = page.with_suffix(".html").read_text(encoding="utf-8")
    anchors = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors


def test_the_page_on_poverty_names_every_step_by_its_title():
    text = re.sub(r"\s+", " ", (FOLDER / "poverty.md").read_text(encoding="utf-8"))
    steps = [job.facts.title for job in JOBS.values() if job.facts.group == "Poverty"]
    assert len(steps) >= 6
    assert not [title for title in steps if f"*{title}*" not in text and f"> {title}*" not in text]


def test_the_page_on_favelas_names_every_step_by_its_title_and_warns():
    text = re.sub(r"\s+", " ", (FOLDER / "favela.md").read_text(encoding="utf-8"))
    steps = [job.facts for job in JOBS.values() if job.facts.group == "Favela"]
    assert steps
    missing = [facts.title for facts in steps if f"*{facts.title}*" not in text]
    assert not missing
    for word in ("eviction", "stigma", "land markets", "insurance", "policing"):
        assert f"**{word}" in text, word
    for label in re.findall(r"\*([A-Z][a-z]+ [a-z]+ (?:favelas|cells|methods|area|sample))\*", text):
        assert label in {job.facts.title for job in JOBS.values()} or label in LABELS, label


def test_the_page_on_reefs_names_every_step_and_nothing_that_is_not_there():
    """Each title, label, choice and control in italics is one of a form or of the Reef tab, letter by letter."""
    page = re.sub(r"\s+", " ", (FOLDER / "reef.md").read_text(encoding="utf-8"))
    text = re.sub(r"`[^`]*`", "", page).replace("**", "")
    named = {part for found in re.findall(r"\*([^*]+)\*", text) for part in found.split(" > ")}
    steps = [job for job in JOBS.values() if job.facts.group == "Reef"]
    assert len(steps) == 7 and {job.facts.title for job in steps} <= named
    forms = {p.label for job in steps for p in job.params().values()} | {"Get weights"}
    choices = {choice for job in steps for p in job.params().values() for choice in p.choices}
    sources = [*(ROOT / "plugin" / "reef").rglob("*.py"), *(ROOT / "plugin" / "controls").glob("reef_*.py")]
    shown = "".join(file.read_text(encoding="utf-8") for file in [*sources, ROOT / "plugin" / "menu.py"])
    own = {"Plugins", "Quadrat", "Reef", "Enter", "full", "difference"}
    own |= {"A new deep learning engine for CoralNet", "Training", "Two annotators", "Label tree"}
    known = forms | choices | own | {job.facts.title for job in steps}
    assert not sorted(name for name in named if name not in known and f'"{name}"' not in shown)


LABELS = {p.label for job in JOBS.values() for p in job.params().values()}
