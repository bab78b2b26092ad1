"""Some foreign documents for readers of weights and networks; see `test_fuzz.py`."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from quadrat.tests.core.fuzzing import bounded_room, documents, judge

pytest.importorskip("torch")
pytest.importorskip("onnx")

from quadrat.tests.core.fuzzing_weights import of_weights, state_dicts

READERS = {reader.name: reader for reader in of_weights()}
EXAMPLES = 8
FOUND = {
    "a program that ends early": ("state dict", lambda: state_dicts()[0][:300]),
    "a program that takes from nothing": ("state dict", lambda: b"\x80\x02Q"),
    "the same for CoralNet": ("CoralNet's weights", lambda: b"\x80\x02Q"),
    "a program that goes beyond its end": ("CoralNet's weights", lambda: b"\x80\x02\x8a\xff"),
    "an infinite tile": ("notes of a network", lambda: b'{"quadrat_tile_size": "1e999"}'),
    "an enormous tile": ("notes of a network", lambda: b'{"quadrat_tile_size": "1e12"}'),
    "a tile of nothing": ("notes of a network", lambda: b'{"quadrat_tile_size": "-3"}'),
    "notes nested without end": ("notes of a network", lambda: json.dumps({"quadrat_mean": "[" * 100_000}).encode()),
}
"""What a reader stumbled over once."""


@pytest.mark.parametrize("what", FOUND)
def test_what_broke_a_reader_once_breaks_none(what, tmp_path):
    name, document = FOUND[what]
    with bounded_room():
        finding = judge(READERS[name], document(), tmp_path)
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


@pytest.mark.parametrize("name", sorted(set(READERS) - {"network of series"}))
def test_the_first_document_of_each_is_whole(name, tmp_path):
    path = tmp_path / f"document{READERS[name].suffix}"
    path.write_bytes(READERS[name].seeds()[0])
    READERS[name].read(str(path))


def test_numbers_of_a_network_never_come_from_elsewhere(tmp_path):
    """An ONNX file may name files with its numbers: none outside of its own folder."""
    from quadrat.models.errors import UnusableModel

    path = tmp_path / "a.onnx"
    path.write_bytes(READERS["ONNX network"].seeds()[1])
    with pytest.raises(UnusableModel, match="cannot be read"):
        READERS["ONNX network"].read(str(path))
