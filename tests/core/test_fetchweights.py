"""Getting weights and looking after them, as jobs: facts, sentences, cancel, and the two roads to the same store."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from quadrat.core.errors import BadInput, BadJob, Cancelled, EngineTooSmall, Unwritable, WeightsMissing
from quadrat.core.jobs.registry import job_from_dict
from quadrat.core.jobs.weights import WITH_WEIGHTS, FetchWeights, ManageWeights
from quadrat.core.pipelines import fetchweights
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.models.card import Card, Source
from quadrat.models.registry import BACKBONES
from quadrat.models.weights import looks, place
from quadrat.tests.models.webserver import alone, safetensors, serving

pytestmark = pytest.mark.same_without_torch
BODY = safetensors(250_000)
ROOT = Path(fetchweights.__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    alone(tmp_path, monkeypatch)
    return tmp_path / "Häuser 家" / "weights"


@pytest.fixture
def server():
    with serving() as made:
        made.how.files["/w.safetensors"] = BODY
        yield made


@pytest.fixture
def card(server, monkeypatch):
    """A function that registers a card with weights on the server."""

    def add(name="made", **facts):
        source = Source(name, url=f"{server.url}/w.safetensors", licence="mit", **facts)
        card = Card(
            name=name, title=name, builder="raw:build", summary="", needs_torch=False, needs_model=False,
            free_patch=False, default_dimensions=0, licence="mit", source="", weights=source,
        )  # fmt: skip
        monkeypatch.setitem(BACKBONES, name, card)
        return source

    return add


class Heard:
    """What a job reports."""

    def __init__(self):
        self.reports, self.lines, self.stop = [], [], threading.Event()
        self.progress = Progress(
            lambda *report: self.reports.append(report), lambda *line: self.lines.append(line), self.stop
        )

    def text(self):
        return "\n".join(text for _, text in self.lines)


def fetch(heard=None, **values):
    return fetchweights.run(FetchWeights(**{"backbone": "made", **values}), (heard or Heard()).progress)


def manage(heard=None, **values):
    return run_job(ManageWeights(**values), (heard or Heard()).progress)


def test_weights_are_downloaded_once(home, card, server):
    card()
    heard = Heard()
    facts = fetch(heard).facts
    assert facts["how"] == "downloaded" and facts["path"] == str(home / "made.safetensors")
    assert facts["bytes"] == len(BODY) and len(facts["sha256"]) == 64
    assert "Licence: mit" in heard.text() and "were downloaded" in facts["sentence"]
    fractions = [fraction for fraction, _, _ in heard.reports]
    assert fractions == sorted(fractions)
    assert fetch().facts["how"] == "there" and len(server.how.seen) == 1
    json.dumps(facts)


def test_a_cancel_is_heard_and_the_next_run_goes_on(home, card, server):
    card()
    server.how.pace_s = 0.02
    heard = Heard()
    threading.Timer(0.5, heard.stop.set).start()
    with pytest.raises(Cancelled, match="Stopped"):
        fetch(heard)
    have = (home / "fetching" / "made.part").stat().st_size
    assert 0 < have < len(BODY)
    heard = Heard()
    assert manage(heard).facts["unfinished"] == {"made": have} and "not finished" in heard.text()
    server.how.pace_s = 0.0
    assert fetch().facts["how"] == "downloaded"
    assert manage().facts["unfinished"] == {}
    assert server.how.ranges_asked() == ["", f"bytes={have}-"]


def test_a_file_of_ones_own_is_taken_in_without_network(home, card, server, tmp_path):
    card(bytes=len(BODY))
    own = tmp_path / "from stick.safetensors"
    own.write_bytes(BODY)
    facts = fetch(file=str(own)).facts
    assert facts["how"] == "copied" and facts["origin"] == str(own) and not server.how.seen
    own.write_bytes(BODY[:-4])
    with pytest.raises(BadInput, match="damaged or cut short"):
        fetch(file=str(own))
    with pytest.raises(WeightsMissing, match="does not exist"):
        fetch(file=str(tmp_path / "none.pt"))


def test_a_changed_file_is_fetched_again_and_held_to_its_first_hash(home, card, server):
    card()
    path = Path(fetch().facts["path"])
    path.write_bytes(safetensors(10))
    heard = Heard()
    assert fetch(heard).facts["how"] == "downloaded" and path.read_bytes() == BODY
    assert "has changed" in heard.text()
    path.write_bytes(safetensors(10))
    server.how.files["/w.safetensors"] = safetensors(250_000, seed=3)
    with pytest.raises(BadInput, match="another file than the one first seen"):
        fetch()


def test_a_licence_is_accepted_once(home, card):
    card(must_accept=True, licence_url="https://example.org/terms")
    with pytest.raises(BadJob, match=r"mit, to be read at https://example\.org/terms"):
        fetch()
    assert fetch(accept_licence=True).facts["how"] == "downloaded"
    assert fetch().facts["how"] == "there"
    assert "made" in json.loads((home / "licences.json").read_text())


def test_each_failure_has_its_class(card, server, monkeypatch):
    card()
    server.how.status = [404]
    with pytest.raises(WeightsMissing, match="404"):
        fetch()
    server.how.page = b"<html>"
    with pytest.raises(BadInput, match="web page"):
        fetch()
    server.how.page = b""
    monkeypatch.setattr(place, "SPARE_BYTES", 1 << 60)
    with pytest.raises(Unwritable, match="no room"):
        fetch()
    with pytest.raises(BadJob, match="has no weights"):
        fetchweights.run(FetchWeights(backbone="raw"), Heard().progress)


def test_jobs_that_make_no_sense_are_refused():
    for values, sentence in (
        ({"job": "fetchweights", "backbone": "timm"}, "needs a model"),
        ({"job": "manageweights", "what": "delete"}, "name of the weights to delete"),
        ({"job": "manageweights", "what": "move"}, "folder to move"),
        ({"job": "manageweights", "what": "list", "name": "a"}, "Leave it empty"),
        ({"job": "manageweights", "what": "verify", "folder": "a"}, "Leave it empty"),
    ):
        with pytest.raises(BadJob, match=sentence):
            job_from_dict(values)
    other = [name for name in WITH_WEIGHTS if name != "timm"]
    for name in other:
        assert BACKBONES[name].weights
        with pytest.raises(BadJob, match="Leave 'Model' empty"):
            job_from_dict({"job": "fetchweights", "backbone": name, "model": "vit"})


def test_timm_without_its_library_says_so(monkeypatch):
    monkeypatch.setattr(fetchweights.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineTooSmall, match="full engine"):
        fetch(backbone="timm", model="test_vit.r160_in1k")


def test_the_store_is_listed_verified_moved_and_emptied(home, card, tmp_path):
    card()
    fetch()
    heard = Heard()
    facts = manage(heard).facts
    (file,) = facts["files"]
    assert (file["name"], file["bytes"], file["licence"], file["problem"]) == ("made", len(BODY), "mit", "")
    assert facts["sentence"].startswith("1 file of weights in") and "made: 1.0 MB, mit" in heard.text()
    assert set(facts["missing"]) == {c.weights.name for c in BACKBONES.values() if c.weights} - {"made"}
    facts = manage(what="verify").facts
    assert facts["damaged"] == 0 and "all whole and unchanged" in facts["sentence"]
    manage(what="move", folder=str(tmp_path / "other"))
    path = tmp_path / "other" / "made.safetensors"
    assert fetch().facts["path"] == str(path)
    path.write_bytes(BODY[:-1])
    heard = Heard()
    facts = manage(heard, what="verify").facts
    assert facts["damaged"] == 1 and ("warning", facts["files"][0]["problem"]) in heard.lines
    freed = manage(what="delete", name="made").facts
    assert freed["bytes"] >= len(BODY) - 1 and freed["folder"] == str(tmp_path / "other")
    with pytest.raises(WeightsMissing, match="There are: none"):
        manage(what="delete", name="made")
    assert manage(what="verify").facts["sentence"].endswith("nothing to verify.")
    with pytest.raises(BadInput, match="already"):
        manage(what="move", folder=str(tmp_path / "other"))


def test_the_shell_uses_the_same_store(home, card, server, tmp_path):
    """A whole process, whose registry holds a card of the test; it finds the folder without being told."""
    script = tmp_path / "shell.py"
    script.write_text(f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("quadrat", {str(ROOT / "__init__.py")!r},
                                              submodule_search_locations=[{str(ROOT)!r}])
sys.modules["quadrat"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from quadrat.models import registry
from quadrat.models.card import Card, Source
source = Source("made", url={server.url + "/w.safetensors"!r}, licence="mit", must_accept=True)
registry.BACKBONES["made"] = Card("made", "Made", "raw:build", "", False, False, False, 0, "mit", "", weights=source)
from quadrat.processing.shell import run
sys.exit(run(sys.argv[1:]))
""")

    def shell(*arguments):
        environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "QUADRAT_HOME": ""}
        return subprocess.run(
            [sys.executable, str(script), *arguments], capture_output=True, text=True, env=environment
        )

    refused = shell("fetch", "--backbone", "made")
    assert refused.returncode == 1 and "--accept-licence" in refused.stderr
    done = shell("fetchweights", "--backbone", "made", "--accept-licence", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["facts"]["path"] == str(
        tmp_path / "data" / "quadrat" / "weights" / "made.safetensors"
    )
    listed = shell("weights")
    assert listed.returncode == 0 and "1 file of weights" in listed.stderr


@pytest.mark.parametrize("parameters", [25_000, 2_500_000])
def test_a_file_far_from_the_size_of_the_network_is_refused(parameters, card, home, tmp_path):
    """Else the file of another network would be noted as the first contact, and the right one refused after it."""
    own = tmp_path / "other.safetensors"
    own.write_bytes(BODY)
    card(parameters=parameters)
    with pytest.raises(BadInput, match=r"other\.safetensors has .* the weights of made have about .*another file"):
        fetch(file=str(own))
    card(parameters=len(BODY) // 4)
    assert fetch(file=str(own)).facts["how"] == "copied"


def test_a_file_that_may_not_be_read_is_a_sentence(card, tmp_path, monkeypatch):
    own = tmp_path / "w.safetensors"
    own.write_bytes(BODY)
    card()

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(looks, "open", refuse, raising=False)
    with pytest.raises(BadInput, match=r"w\.safetensors cannot be read: Permission denied"):
        fetch(file=str(own))
