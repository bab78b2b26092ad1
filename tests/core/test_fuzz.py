"""Some foreign documents for each reader; `tests/benchmarks/bench_fuzz.py` tries as many as there is time for.

What a document once broke is an `@example`-like case in `FOUND`, tried at each run.
"""

import contextlib
import io
import json
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quadrat.tests.core import fuzzing, fuzzing_files, fuzzing_heads
from quadrat.tests.core.fuzzing import bounded_room, documents, judge
from quadrat.tests.core.fuzzing_readers import READERS

pytestmark = pytest.mark.same_without_torch

EXAMPLES = 3
DEEP = b"[" * 100_000 + b"]" * 100_000
LONG = b"9" * 5000


def seed_of(name, number=0):
    return list(READERS[name].seeds())[number]


def changed(name, **values):
    """The JSON of a seed with other values."""
    return json.dumps({**json.loads(seed_of(name)), **values}).encode()


def array(head):
    """A .npy file with this head and nothing behind."""
    body = head.encode()
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body


def with_array(body):
    """A head with another array."""
    return fuzzing_heads.with_members(seed_of("head"), training__centre_npy=body)


UNTOLD = array("{'descr': '<f4', 'fortran_order': False, 'shape': '1,), }")
NAMELESS = array("{'descr': '<f4', 'fortran_order': False, None: (1,), }")
ENDLESS = array("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807,), }")
FOUND = {
    "nested job": ("job JSON", DEEP),
    "number beyond all numbers": ("job JSON", b'{"job": "speedtest", "columns": 1' + b"0" * 400 + b"}"),
    "nested sidecar": ("sidecar", b'{"facts": ' + DEEP + b"}"),
    "input that is no object": ("sidecar", lambda: changed("sidecar", inputs={"input": "x"})),
    "array without end in a sidecar": ("sidecar", lambda: changed("sidecar", facts={"state": {"a": "eJwDAAAAAAE="}})),
    "nested record": ("record of weights", b'{"sha256": ' + DEEP + b"}"),
    "stamp that is no list": ("record of weights", lambda: changed("record of weights", stamp=5)),
    "stamp of texts": ("record of weights", lambda: changed("record of weights", stamp=["a"])),
    "sums in other letters": ("sums of weights", b"\xe4"),
    "nested pointer": ("engine pointer", DEEP),
    "nested facts of a card": ("ONNX card", b'{"title": ' + DEEP + b"}"),
    "role that is an object": ("ONNX card", lambda: changed("ONNX card", bands=[{"a": "red"}, "nir"])),
    "month beyond the year": ("ONNX card", lambda: changed("ONNX card", months=[400, "x"])),
    "nested note of a tile": ("note of a tile", DEEP),
    "head of an array that is no literal": ("TESSERA tile", UNTOLD),
    "head of an array without names": ("TESSERA tile", NAMELESS),
    "array longer than any disk": ("TESSERA tile", ENDLESS),
    "the same in a head": ("head", lambda: with_array(UNTOLD)),
    "without names in a head": ("head", lambda: with_array(NAMELESS)),
    "without end in a head": ("head", lambda: with_array(ENDLESS)),
    "forty thousand columns": ("reef coralnet", b"Name,Row,Column,Label\na,1,1" + b"," * 40_000 + b"\n"),
    "columns without names": ("reef coralnet", b"Name,Row,Column,Label" + b"," * 40_000 + b"\na,1,1\n"),
    "columns of one name": ("reef coralnet", b"Name,Row,Column" + b",x" * 40_000 + b"\na,1,1\n"),
    "a parent like a book": ("reef labelset", b"code,parent\nA," + b"x" * 40_000 + b"\n"),
    "month of many digits": ("months", LONG),
    "band of many digits": ("bands wished", b"blue=" + LONG),
    "digits of another script": ("bands wished", "blue=²".encode()),
    "layer of another script": ("layer source", "a.gpkg|layerid=²".encode()),
    "layer of many digits": ("layer source", b"a.gpkg|layerid=" + LONG),
    "name of many digits": ("names of bands", b"3_B" + b"9" * 40_000),
    "date of many digits": ("dates", LONG),
    "name in old letters": ("GeoTIFF", lambda: seed_of("GeoTIFF").replace(b"wavelength 842", b"wavel\xe4nge \x80 842")),
    "a word that is no frame": ("wire frames", b"hello\n"),
    "band of another script": ("table of dates", "file,date,band\na.tif,2019,²\n".encode()),
    "band of too many digits": ("table of dates", b"file,date,band\na.tif,2019," + LONG + b"\n"),
    "archive that cannot be unpacked": ("head", lambda: _unpackable(seed_of("head"))),
    "indicator that cannot be unpacked": (
        "model of an indicator",
        lambda: _unpackable(seed_of("model of an indicator")),
    ),
    "space that is a number": ("sidecar", lambda: changed("sidecar", facts={"space": 5})),
    "counts of points that are none": (
        "survey of photos",
        lambda: _with("survey of photos", "photos SET points = 'x'"),
    ),
    "name of a photo that is none": (
        "survey of photos",
        lambda: _with("survey of photos", "photos SET name = x'80' WHERE photo = 1"),
    ),
    "window that is a number": ("survey of photos", lambda: _with("survey of photos", 'photos SET "window" = 5')),
    "vectors cut off": ("vectors of photos", lambda: _with("vectors of photos", "vectors SET places = x'0102030405'")),
    "vectors as text": ("vectors of photos", lambda: _with("vectors of photos", "vectors SET places = 'x'")),
}
"""What a reader stumbled over once: which, and the document or what makes it."""


def _with(name, change):
    import sqlite3

    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(seed_of(name))
        connection.execute(f"UPDATE {change}")
        connection.commit()
        return bytes(connection.serialize())


def _unpackable(data):
    """The archive with what is packed in its first member spoilt."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        first = archive.infolist()[0]
    body = first.header_offset + 30 + len(first.filename)
    return data[:body] + b"\xff" * 40 + data[body + 40 :]


@pytest.mark.parametrize("what", FOUND)
def test_what_broke_a_reader_once_breaks_none(what, tmp_path):
    name, document = FOUND[what]
    with bounded_room():
        finding = judge(READERS[name], document() if callable(document) else document, tmp_path)
    assert finding is None, f"{finding}\n{finding.detail}"


@pytest.mark.parametrize("name", READERS)
def test_foreign_documents_are_read_or_refused_in_a_sentence(name, tmp_path):
    reader = READERS[name]

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=HealthCheck)
    @given(documents(reader))
    def tried(document):
        finding = judge(reader, document, tmp_path)
        assert finding is None, f"{finding}\n{finding.detail}"

    with bounded_room():
        tried()


REFUSED = {"engine pointer": 1, "look of weights": 1}
"""Readers whose whole documents are refused for what is not in them, from which on."""


@pytest.mark.parametrize("name", READERS)
def test_the_first_document_of_each_is_whole(name, tmp_path, monkeypatch):
    """Else everything would be refused at the door, and nothing behind it be tried."""
    reader = READERS[name]
    if name in REFUSED:
        pytest.skip("refused for what is not in the document")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / (reader.name_of_file or f"document{reader.suffix}")
    path.write_bytes(seed_of(name))
    reader.read(seed_of(name).decode() if reader.as_text else str(path))


# The judge itself ----------------------------------------------------------------------------------------------------


def _runs(path):
    import pickle

    with open(path, "rb") as file:
        pickle.load(file)


@pytest.mark.parametrize(
    ("read", "document", "what"),
    [
        (_runs, fuzzing_files.EVIL, "executes"),
        (lambda path: 1 / 0, b"", "ZeroDivisionError"),
        (lambda path: b"x" * 400 * 2**20, b"", "takes memory"),
        (lambda path: bytearray(2**40), b"", "MemoryError"),
    ],
)
def test_the_judge_finds_what_must_not_be(read, document, what, tmp_path, monkeypatch):
    monkeypatch.setattr(fuzzing, "MOST_GROWTH", 50 * 2**20)
    with bounded_room():
        finding = judge(fuzzing.Reader("x", read, list, "bytes"), document, tmp_path)
    assert finding is not None and finding.what.startswith(what)


@pytest.mark.parametrize(
    ("message", "what"),
    [("", "is empty"), ("no stop", "is no sentence"), ('File "x", line 3.', "holds a traceback"), ("At 0x7f.", "")],
)
def test_the_judge_reads_messages(message, what, tmp_path):
    from quadrat.core.errors import BadInput

    def read(path):
        raise BadInput(message)

    finding = judge(fuzzing.Reader("x", read, list, "bytes"), b"", tmp_path)
    assert (what in finding.what) if what else finding is None


def test_the_judge_ends_what_does_not_end(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzzing, "CPU_S", 0.2)

    def read(path):
        while True:
            try:
                sum(range(1000))
            except Exception:  # noqa: BLE001 - as careless readers do
                continue

    finding = judge(fuzzing.Reader("x", read, list, "bytes"), b"", tmp_path)
    assert finding is not None and finding.what.startswith("hangs")


@settings(max_examples=25, derandomize=True, database=None, deadline=None)
@given(st.sampled_from(sorted(fuzzing.SPOILERS)), st.integers(0, 2**32), st.binary(max_size=40))
def test_spoilers_take_what_is_spoilt_already(shape, number, data):
    import random

    if shape == "json":
        data = json.dumps({"a": [1, {"b": data.decode("latin-1")}]}).encode()
    assert isinstance(fuzzing.SPOILERS[shape](random.Random(number), data), bytes)
