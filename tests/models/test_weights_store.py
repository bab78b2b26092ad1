"""The store of weights: what is taken in, held to its hash, listed, deleted and moved. No network, no torch."""

import errno
import hashlib
import json
import os
import zipfile
from pathlib import Path

import pytest
from quadrat.models.card import Source
from quadrat.models.errors import LicenceNotAccepted, NoRoom, UnusableModel, WeightsNotFound
from quadrat.models.weights import hashes, locking, looks, moving, place, records, store
from quadrat.tests.models.webserver import safetensors

pytestmark = pytest.mark.same_without_torch
SOURCE = Source("tiny.tag", repo_id="nobody/tiny.tag", licence="mit")


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "Häuser 家"
    monkeypatch.setenv("QUADRAT_HOME", str(folder))
    return folder


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "stick" / "official.safetensors"
    path.parent.mkdir()
    path.write_bytes(safetensors())
    return path


@pytest.fixture
def reads(monkeypatch):
    """Names of the files that are hashed."""
    read = []
    real = hashes.sha256_of

    def count(path, *args):
        known = hashes._seen.get(os.path.abspath(path))
        if not known or known[0] != hashes.stamp_of(path):
            read.append(Path(path).name)
        return real(path, *args)

    monkeypatch.setattr(hashes, "sha256_of", count)
    return read


def whole(folder):
    """Names in the store that are not half-written."""
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_own_file_is_copied_recorded_and_found(home, own):
    told = []
    path = store.take_in(own, SOURCE, lambda done, total, text: told.append((done, total, text)))
    assert path == home / "weights" / "tiny.tag.safetensors"
    assert path.read_bytes() == own.read_bytes()
    record = json.loads((home / "weights" / "tiny.tag.json").read_text(encoding="utf-8"))
    assert record["sha256"] == hashlib.sha256(own.read_bytes()).hexdigest()
    assert record["origin"] == str(own) and record["licence"] == "mit" and record["noted"] == records.today()
    assert told[0][1] == own.stat().st_size and "Copying" in told[0][2]
    assert store.find(SOURCE) == path
    assert whole(home / "weights") == ["tiny.tag.json", "tiny.tag.safetensors"]
    assert not list((home / "weights" / "fetching").iterdir())


def test_a_file_in_its_place_is_not_copied(home, own):
    path = store.take_in(own, SOURCE)
    assert store.take_in(path, SOURCE) == path


def test_unchanged_files_are_not_read_again_changed_ones_are_refused(home, own, reads):
    path = store.take_in(own, SOURCE)
    reads.clear()
    hashes._seen.clear()
    assert store.find(SOURCE) == path
    assert hashes.sha256_of(path) == hashlib.sha256(own.read_bytes()).hexdigest()
    assert reads == []
    os.utime(path, (1, 1))
    assert store.find(SOURCE) == path
    assert reads == [path.name]
    assert store.find(SOURCE) == path
    assert reads == [path.name], "the new times are noted"
    path.write_bytes(safetensors(seed=1))
    with pytest.raises(UnusableModel, match=r"has changed since it was first seen on 20.*Delete tiny\.tag"):
        store.find(SOURCE)


def test_a_file_put_there_by_hand_is_recorded_at_first_contact(home):
    folder = place.ready_folder()
    (folder / "tiny.tag.safetensors").write_bytes(safetensors())
    store.find(SOURCE)
    (folder / "tiny.tag.safetensors").write_bytes(safetensors(seed=2))
    with pytest.raises(UnusableModel, match="has changed"):
        store.find(SOURCE)


def test_the_first_contact_counts_for_what_comes_later(home, own):
    path = store.take_in(own, SOURCE)
    path.unlink()
    own.write_bytes(safetensors(seed=3))
    with pytest.raises(UnusableModel, match=r"another file than the one first seen as tiny\.tag"):
        store.take_in(own, SOURCE)
    assert store.path_in_store("tiny.tag") is None
    store.delete("tiny.tag")
    assert store.take_in(own, SOURCE) == path


@pytest.fixture
def sums(tmp_path, monkeypatch):
    path = tmp_path / "SHA256SUMS"
    monkeypatch.setattr(hashes, "SUMS", path)
    return path


def test_a_hash_known_in_advance_is_enforced_at_first_contact(home, own, sums):
    sums.write_text(f"# where from\n{'ab' * 32}  other\n{'cd' * 32}  tiny.tag\n")
    with pytest.raises(UnusableModel, match=r"not the official file of tiny\.tag.*begins with cdcd"):
        store.take_in(own, SOURCE)
    assert whole(home / "weights") == []
    sums.write_text(f"{hashlib.sha256(own.read_bytes()).hexdigest()}  tiny.tag\n")
    assert store.take_in(own, SOURCE)
    sums.write_text(f"{'cd' * 32}  tiny.tag\n")
    with pytest.raises(UnusableModel, match="not the official file"):
        store.find(SOURCE)


def test_first_digits_are_enforced_by_file_name(home, own, sums):
    source = Source("net", repo_id="a/b", file_name="folder/Net-0238d814.pt")
    sums.write_text("0238d814*  Net-0238d814.pt\n")
    assert hashes.known_hash(source) == "0238d814"
    with pytest.raises(UnusableModel, match="begins with 0238d814"):
        store.take_in(own, source)
    sums.write_text(f"{hashlib.sha256(own.read_bytes()).hexdigest()[:8]}*  Net-0238d814.pt\n")
    assert store.take_in(own, source)
    named = own.with_name("Other-ab.safetensors")
    named.write_bytes(own.read_bytes())
    with sums.open("a") as file:
        file.write("abcdef01*  Other-ab.safetensors\n")
    with pytest.raises(UnusableModel, match="begins with abcdef01"):
        store.take_in(named, Source("by its own name"))


def test_the_sums_of_the_repository_are_well_formed():
    known = hashes.known_hashes()
    assert {each.name for each in known} >= {"galileo-nano", "CROMA_base-0238d814.pt"}
    for each in known:
        assert set(each.digits) <= set("0123456789abcdef") and 8 <= len(each.digits) <= 64


def bad_files(tmp_path):
    whole_one, archive = safetensors(), tmp_path / "some.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("readme.txt", "hello")
    torch_file = tmp_path / "torch.pt"
    with zipfile.ZipFile(torch_file, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02}.")
    return {
        "empty": ("a.pt", b"", "is empty"),
        "page": ("a.pt", b"\n<!DOCTYPE html><html>login", "is a web page"),
        "pointer": ("a.pt", b"version https://git-lfs.github.com/spec/v1\noid", "pointer of Git LFS"),
        "text": ("a.pt", b"hello, this is a text", "no file of weights"),
        "short": ("a.safetensors", whole_one[:-1], "damaged or cut short"),
        "long": ("a.safetensors", whole_one + b"x", "damaged or cut short"),
        "header": ("a.safetensors", whole_one[:8] + b"{!" + whole_one[10:], "damaged or cut short"),
        "zip": ("a.zip", archive.read_bytes(), "Unpack it"),
        "cut zip": ("a.pt", torch_file.read_bytes()[:-30], "damaged or cut short"),
        "renamed": ("a.pt", whole_one, r"called \.pt, but inside.*\.safetensors.*right name"),
        "renamed back": ("a.safetensors", torch_file.read_bytes(), r"called \.safetensors, but inside.*\.pth"),
    }


@pytest.mark.parametrize("kind", [
    "empty", "page", "pointer", "text", "short", "long", "header", "zip", "cut zip", "renamed", "renamed back",
])  # fmt: skip
def test_what_is_no_file_of_weights_is_a_sentence_and_nothing_is_kept(home, tmp_path, kind):
    name, content, sentence = bad_files(tmp_path)[kind]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnusableModel, match=sentence) as caught:
        store.take_in(path, SOURCE)
    assert str(path) in str(caught.value) and str(caught.value).endswith(".")
    assert whole(home / "weights") == []


def test_wrong_size_is_said_in_bytes(home, own):
    size = own.stat().st_size
    with pytest.raises(UnusableModel, match=rf"has {size:,} bytes, the official file of tiny.tag has {size + 5:,}"):
        store.take_in(own, Source("tiny.tag", bytes=size + 5))


def test_suffixes_follow_the_content(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(safetensors())
    assert looks.suffix_of(path) == ".safetensors"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02}.")
    assert looks.suffix_of(path) == ".pth" and looks.suffix_of(path, ".pt") == ".pt"


def test_a_full_disk_is_seen_before_the_copy(home, own, monkeypatch):
    import shutil
    from collections import namedtuple

    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("U", "total used free")(10, 0, 5000))
    with pytest.raises(NoRoom, match=r"no room for the weights of tiny\.tag: 4\.1 kB are needed.*5\.0 kB are free"):
        store.take_in(own, SOURCE)


def test_a_disk_that_fills_up_leaves_nothing(home, own, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoRoom, match="No space left"):
        store.take_in(own, SOURCE)
    assert whole(home / "weights") == [] and not list((home / "weights" / "fetching").iterdir())


def test_what_stops_a_copy_leaves_nothing(home, own):
    class Stop(Exception):
        pass

    def tick(done, total, text):
        raise Stop

    with pytest.raises(Stop):
        store.take_in(own, SOURCE, tick)
    assert whole(home / "weights") == [] and not list((home / "weights" / "fetching").iterdir())


def test_a_licence_is_asked_for_once_and_again_when_it_changes(home, own):
    strict = Source("tiny.tag", licence="Custom", licence_url="https://example.org/l", must_accept=True)
    folder = place.ready_folder()
    with pytest.raises(LicenceNotAccepted, match=r"tiny\.tag.*Custom.*https://example\.org/l.*--accept-licence"):
        records.check_licence(strict, folder)
    store.take_in(own, strict)
    with pytest.raises(LicenceNotAccepted):
        store.find(strict)
    records.accept_licence(strict, folder)
    assert store.find(strict)
    noted = json.loads((folder / "licences.json").read_text(encoding="utf-8"))["tiny.tag"]
    assert noted == {"accepted": records.today(), "licence": "Custom", "licence_url": "https://example.org/l"}
    changed = Source("tiny.tag", licence="Custom 2", licence_url="https://example.org/l", must_accept=True)
    with pytest.raises(LicenceNotAccepted):
        store.find(changed)


def test_list_and_verify_read_what_is_there(home, own):
    path = store.take_in(own, SOURCE)
    second = place.ready_folder() / "by hand.safetensors"
    second.write_bytes(safetensors(seed=5))
    assert [(each.name, bool(each.record)) for each in store.entries()] == [("by hand", False), ("tiny.tag", True)]
    ticks = []
    found = store.entries(lambda *told: ticks.append(told))
    assert all(not each.problem and each.record for each in found)
    assert ticks[0][1] == path.stat().st_size + second.stat().st_size
    stamp = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    bad = {each.name: each.problem for each in store.entries(lambda *told: None)}
    assert "has changed" in bad["tiny.tag"] and not bad["by hand"]


def test_delete_frees_everything_of_a_name(home, own):
    path = store.take_in(own, SOURCE)
    (path.parent / "fetching" / "tiny.tag.part").write_bytes(b"123")
    assert store.delete("tiny.tag") >= own.stat().st_size + 3
    assert whole(path.parent) == [] and not list((path.parent / "fetching").iterdir())
    with pytest.raises(WeightsNotFound, match=r"no weights 'tiny\.tag'.*There are: none"):
        store.delete("tiny.tag")


def test_the_store_moves_with_all_that_belongs_to_it(home, own, tmp_path, monkeypatch):
    strict = Source("tiny.tag", licence="Custom", must_accept=True)
    old = place.ready_folder()
    records.accept_licence(strict, old)
    store.take_in(own, strict)
    (old / "fetching" / "big.part").write_bytes(b"half")
    target = tmp_path / "disk two" / "weights"
    assert moving.move(target) >= own.stat().st_size
    assert json.loads((home / "weights.json").read_text(encoding="utf-8")) == {"folder": str(target)}
    assert store.find(strict) == target / "tiny.tag.safetensors"
    assert (target / "fetching" / "big.part").read_bytes() == b"half"
    assert not old.exists()
    moving.move(home / "weights")
    assert not (home / "weights.json").exists() and store.find(strict) == old / "tiny.tag.safetensors"


def test_a_move_to_another_disk_copies_and_compares(home, own, tmp_path, monkeypatch):
    def no_links(*args):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_links)
    old = store.take_in(own, SOURCE)
    moving.move(tmp_path / "there")
    assert store.find(SOURCE) == tmp_path / "there" / "tiny.tag.safetensors" and not old.exists()


def test_a_move_that_is_cut_leaves_the_old_store_whole(home, own, tmp_path, monkeypatch):
    path = store.take_in(own, SOURCE)
    monkeypatch.setattr(moving, "set_folder", lambda folder: (_ for _ in ()).throw(NoRoom("cut")))
    with pytest.raises(NoRoom):
        moving.move(tmp_path / "there")
    assert store.find(SOURCE) == path
    monkeypatch.undo()
    monkeypatch.setenv("QUADRAT_HOME", str(home))
    moving.move(tmp_path / "there")
    assert store.find(SOURCE) == tmp_path / "there" / path.name


def test_a_store_that_is_there_is_joined_unless_they_differ(home, own, tmp_path, monkeypatch):
    theirs = tmp_path / "institute"
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "other"))
    store.take_in(own, SOURCE)
    moving.move(theirs)
    monkeypatch.setenv("QUADRAT_HOME", str(home))
    moving.move(theirs)
    assert store.find(SOURCE) == theirs / "tiny.tag.safetensors"
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "third"))
    own.write_bytes(safetensors(seed=9))
    mine = store.take_in(own, SOURCE)
    with pytest.raises(UnusableModel, match="is another file than"):
        moving.move(theirs)
    assert store.find(SOURCE) == mine


def test_folders_that_do_not_do(home, own, tmp_path):
    store.take_in(own, SOURCE)
    for folder, sentence in (
        (home / "weights", "lie in .* already"),
        (home / "weights" / "in", "lies inside the store"),
        (home, "holds Quadrat's other files"),
        (own, "is a file"),
    ):
        with pytest.raises(UnusableModel, match=sentence):
            moving.move(folder)


def test_a_drive_that_is_gone_is_said_and_not_made_anew(home, own, tmp_path):
    store.take_in(own, SOURCE)
    moving.move(tmp_path / "drive")
    (tmp_path / "drive").rename(tmp_path / "unplugged")
    with pytest.raises(WeightsNotFound, match=r"drive is not there\. Connect"):
        store.take_in(own, SOURCE)
    assert store.find(SOURCE) is None and not (tmp_path / "drive").exists()


def test_without_a_home_nothing_is_kept(monkeypatch, own):
    monkeypatch.delenv("QUADRAT_HOME", raising=False)
    assert place.store_folder() is None and store.find(SOURCE) is None
    with pytest.raises(WeightsNotFound, match="QUADRAT_HOME"):
        store.take_in(own, SOURCE)


def test_unreadable_notes_are_sentences(home, own):
    path = store.take_in(own, SOURCE)
    records.record_file(path).write_text("{")
    with pytest.raises(UnusableModel, match=r"record .* cannot be read"):
        store.find(SOURCE)
    (home / "weights.json").write_text("nonsense")
    with pytest.raises(UnusableModel, match="cannot be read"):
        store.find(SOURCE)


def test_records_of_the_first_versions_are_read(home, own):
    path = store.take_in(own, SOURCE)
    digest = hashlib.sha256(own.read_bytes()).hexdigest()
    old = {"sha256": digest, "repo_id": "nobody/tiny.tag", "url": "", "revision": "abc", "licence": "mit"}
    records.record_file(path).write_text(json.dumps(old))
    record = store.check(path, SOURCE)
    assert (record.sha256, record.origin, record.revision) == (digest, "nobody/tiny.tag", "abc")


def test_a_lock_is_held_by_one(tmp_path):
    lock = tmp_path / "a.lock"
    with (
        locking.only_one(lock, "The weights"),
        pytest.raises(WeightsNotFound, match="by another Quadrat"),
        locking.only_one(lock, "The weights"),
    ):
        pass
    with locking.only_one(lock, "The weights"):
        pass


@pytest.mark.parametrize(("count", "text"), [
    (0, "0 bytes"), (999, "999 bytes"), (4189406, "4.2 MB"), (15e6, "15 MB"), (2.7e9, "2.7 GB"), (1234e9, "1,234 GB"),
])  # fmt: skip
def test_sizes_are_in_decimal_units(count, text):
    assert place.size_text(count) == text
