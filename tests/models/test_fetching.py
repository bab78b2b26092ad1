"""Downloads against a real server on this machine: whole, cut, stopped, killed, refused, through proxies."""

import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from quadrat.models.card import Source
from quadrat.models.errors import LicenceNotAccepted, NoRoom, UnusableModel, WeightsNotFound
from quadrat.models.weights import fetching, hashes, place, records, store, web
from quadrat.tests.models.webserver import alone, nothing_kept, safetensors, serving

pytestmark = pytest.mark.same_without_torch
BODY = safetensors(250_000)
"""1 MB."""


class Stop(Exception):
    pass


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    alone(tmp_path, monkeypatch)
    monkeypatch.setattr(fetching, "FIRST_WAIT_S", 0.01)
    return tmp_path / "Häuser 家" / "weights"


@pytest.fixture
def server():
    with serving() as made:
        made.how.files["/w.safetensors"] = BODY
        yield made


def source_at(server, **facts):
    return Source("tiny.tag", url=f"{server.url}/w.safetensors", licence="mit", **facts)


def fetch(source, tick=place.silent, log=lambda text: None):
    return fetching.fetch(source, tick, log)


def stop_after(count):
    calls = itertools.count()

    def tick(done, total, text):
        if done and next(calls) >= count:
            raise Stop

    return tick


def test_a_download_tells_how_far_it_is_and_is_recorded(home, server, monkeypatch):
    monkeypatch.setattr(fetching, "TEXT_EVERY_S", 0.0)
    server.how.pace_s = 0.01
    told = []
    path = fetch(source_at(server, bytes=len(BODY)), lambda *each: told.append(each))
    assert path == home / "tiny.tag.safetensors" and path.read_bytes() == BODY
    record = records.read_record(path)
    assert record.sha256 == hashlib.sha256(BODY).hexdigest()
    assert record.origin == f"{server.url}/w.safetensors" and record.bytes == len(BODY)
    assert not list((home / "fetching").glob("*.part*"))
    texts = [text for _, _, text in told if "of 1.0 MB" in text]
    assert texts and any("/s" in text for text in texts), "bytes and speed"
    done = [at for at, total, text in told if total == len(BODY) and "Checking" not in text]
    assert done == sorted(done) and len(set(done)) > 2


def test_a_connection_that_breaks_is_gone_on_with_at_once(home, server):
    server.how.cut_after = [300_000, 200_000]
    log = []
    assert fetch(source_at(server), log=log.append).read_bytes() == BODY
    assert server.how.ranges_asked() == ["", "bytes=300000-", "bytes=500000-"]
    assert sum("connection was lost" in text for text in log) == 2


def test_a_stopped_download_goes_on(home, server):
    server.how.pace_s = 0.01
    with pytest.raises(Stop):
        fetch(source_at(server), stop_after(1))
    have = (home / "fetching" / "tiny.tag.part").stat().st_size
    assert 0 < have < len(BODY) and store.path_in_store("tiny.tag") is None
    server.how.pace_s, told = 0.0, []
    assert fetch(source_at(server), lambda *each: told.append(each)).read_bytes() == BODY
    assert server.how.ranges_asked() == ["", f"bytes={have}-"]
    assert told[-1][1] in (len(BODY) - have, len(BODY)), "the rest alone, then the check of the whole"


KILLED = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("quadrat", sys.argv[1] + "/__init__.py",
                                              submodule_search_locations=[sys.argv[1]])
sys.modules["quadrat"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from quadrat.models.card import Source
from quadrat.models.weights import fetching
fetching.fetch(Source("tiny.tag", url=sys.argv[2]), lambda *told: print(told, flush=True), print)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_killed_process_loses_nothing_and_its_lock(home, server):
    server.how.pace_s = 0.02
    root = str(Path(web.__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, root, source_at(server).url], stdout=subprocess.PIPE, text=True
    )
    part = home / "fetching" / "tiny.tag.part"
    for _ in range(400):
        if part.exists() and part.stat().st_size > 200_000:
            break
        time.sleep(0.02)
    with pytest.raises(WeightsNotFound, match="by another Quadrat"):
        fetch(source_at(server))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    have = part.stat().st_size
    assert 200_000 < have < len(BODY)
    server.how.pace_s = 0.0
    assert fetch(source_at(server)).read_bytes() == BODY
    assert server.how.ranges_asked()[-1] == f"bytes={have}-"


@pytest.mark.parametrize("why", ["no ranges", "changed", "no tags", "other address", "odd range"])
def test_what_cannot_be_gone_on_with_begins_anew(home, server, why):
    server.how.pace_s, server.how.etag = 0.01, why != "no tags"
    with pytest.raises(Stop):
        fetch(source_at(server), stop_after(1))
    server.how.pace_s, body, source = 0.0, BODY, source_at(server)
    if why == "no ranges":
        server.how.ranges = False
    elif why == "changed":
        server.how.files["/w.safetensors"] = body = safetensors(250_000, seed=4)
    elif why == "other address":
        server.how.files["/v.safetensors"] = body = safetensors(200_000, seed=4)
        source = Source("tiny.tag", url=f"{server.url}/v.safetensors")
    elif why == "odd range":
        server.how.headers["/w.safetensors"] = {"ETag": '"other"'}
        server.how.etag = False
        facts = json.loads((home / "fetching" / "tiny.tag.part.json").read_text())
        facts.update(modified="yesterday", etag="W/" + facts["etag"])
        (home / "fetching" / "tiny.tag.part.json").write_text(json.dumps(facts))
        server.how.modified = "yesterday"
    assert fetch(source).read_bytes() == body


def test_weak_tags_go_by_the_date(home, server):
    server.how.pace_s, server.how.etag, server.how.modified = 0.01, False, "Sat, 21 Nov 2026 10:00:00 GMT"
    with pytest.raises(Stop):
        fetch(source_at(server), stop_after(1))
    server.how.pace_s = 0.0
    assert fetch(source_at(server)).read_bytes() == BODY
    assert server.how.seen[-1][1]["If-Range"] == server.how.modified
    assert server.how.ranges_asked()[-1].startswith("bytes=") and len(server.how.seen) == 2


def test_a_part_that_is_whole_is_not_asked_for_again(home, server, monkeypatch):
    real = store.admit
    monkeypatch.setattr(store, "admit", lambda *a: (_ for _ in ()).throw(Stop))
    with pytest.raises(Stop):
        fetch(source_at(server))
    monkeypatch.setattr(store, "admit", real)
    assert fetch(source_at(server)).read_bytes() == BODY and len(server.how.seen) == 1


def test_a_server_that_always_cuts_and_knows_no_ranges_is_given_up(home, server):
    server.how.ranges, server.how.cut_after = False, [300_000] * 50
    with pytest.raises(WeightsNotFound, match=r"not be downloaded to the end.*300 kB are kept; run the same job"):
        fetch(source_at(server))
    assert len(server.how.seen) < 12


@pytest.mark.parametrize("lie", [False, True])
def test_a_web_page_is_no_file(home, server, lie):
    server.how.page, server.how.lie = b"<!doctype html><html><body>Please log in</body></html>", lie
    with pytest.raises(UnusableModel, match=r"gave a web page instead of the weights of tiny\.tag.*login page"):
        fetch(source_at(server))
    assert nothing_kept(home)


def test_another_size_than_the_official_is_refused_before_it_is_fetched(home, server):
    with pytest.raises(UnusableModel, match=rf"has {len(BODY):,} bytes, the official file of tiny.tag has 77"):
        fetch(source_at(server, bytes=77))
    assert nothing_kept(home)


def test_a_file_cut_short_at_the_source_is_refused(home, server):
    server.how.length, server.how.files["/w.safetensors"] = False, BODY[:-10]
    with pytest.raises(UnusableModel, match="damaged or cut short"):
        fetch(source_at(server))
    assert nothing_kept(home)


def test_a_wrong_hash_leaves_nothing(home, server, tmp_path, monkeypatch):
    monkeypatch.setattr(hashes, "SUMS", tmp_path / "SUMS")
    (tmp_path / "SUMS").write_text(f"{'0' * 64}  tiny.tag\n")
    with pytest.raises(UnusableModel, match="not the official file"):
        fetch(source_at(server))
    assert nothing_kept(home)
    (tmp_path / "SUMS").write_text(f"{hashlib.sha256(BODY).hexdigest()}  w.safetensors\n")
    assert fetch(source_at(server))


def test_another_file_than_at_first_contact_leaves_nothing(home, server):
    fetch(source_at(server)).unlink()
    server.how.files["/w.safetensors"] = safetensors(250_000, seed=8)
    with pytest.raises(UnusableModel, match="another file than the one first seen"):
        fetch(source_at(server))
    assert [path.name for path in home.iterdir() if path.is_file()] == ["tiny.tag.json"]


def test_no_room_is_said_before(home, server, monkeypatch):
    monkeypatch.setattr(place, "SPARE_BYTES", 1 << 60)
    with pytest.raises(NoRoom, match="no room for the weights"):
        fetch(source_at(server))
    assert store.path_in_store("tiny.tag") is None


@pytest.mark.parametrize(("status", "headers", "sentence"), [
    (401, {"X-Error-Code": "GatedRepo"}, r"refuses the file \(error 401\).*accept its terms.*token"),
    (403, {}, r"refuses the file \(error 403\).*accept its terms"),
    (407, {}, r"proxy wants a name and a password"),
    (418, {}, r"answers with error 418"),
])  # fmt: skip
def test_refusals_are_sentences(home, server, status, headers, sentence):
    server.how.status, server.how.headers = [status] * 9, {"/w.safetensors": headers}
    with pytest.raises(WeightsNotFound, match=sentence):
        fetch(source_at(server))
    assert nothing_kept(home) and len(server.how.seen) == 1


def test_a_busy_server_is_asked_again_but_not_for_ever(home, server):
    server.how.status = [503, 429]
    assert fetch(source_at(server))
    store.delete("tiny.tag")
    server.how.status = [503] * 50
    with pytest.raises(WeightsNotFound, match=r"could not be downloaded.*error 503"):
        fetch(source_at(server))


def test_no_network_no_server_no_address(home, monkeypatch):
    for url in ("http://127.0.0.1:9/w.pt", "http://no-such-host.invalid/w.pt"):
        with pytest.raises(WeightsNotFound, match=r"could not be downloaded from .*Check the network and the proxy"):
            fetch(Source("tiny.tag", url=url))
    with pytest.raises(WeightsNotFound, match="neither with https nor http"):
        fetch(Source("tiny.tag", url="file:///etc/hostname"))
    with pytest.raises(WeightsNotFound, match="No address is known"):
        fetch(Source("tiny.tag"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsNotFound, match="HF_HUB_OFFLINE"):
        fetch(Source("tiny.tag", url="https://example.org/w.pt"))


def test_a_licence_that_must_be_accepted_stops_the_download(home, server):
    strict = source_at(server, must_accept=True, licence_url="https://example.org/l")
    with pytest.raises(LicenceNotAccepted, match=r"mit, to be read at https://example\.org/l"):
        fetch(strict)
    assert not server.how.seen
    records.accept_licence(strict, home)
    assert fetch(strict)


def test_a_silent_server_does_not_hold_up_a_stop(home):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()

        def tick(done, total, text):
            if time.monotonic() - started > 0.3:
                raise Stop

        with pytest.raises(Stop):
            fetch(Source("tiny.tag", url=f"http://127.0.0.1:{silent.getsockname()[1]}/w.pt"), tick)
        assert time.monotonic() - started < 5
