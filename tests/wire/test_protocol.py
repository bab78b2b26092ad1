import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core import errors, protocol

pytestmark = pytest.mark.same_without_torch

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values), st.integers(0, 2**31))
def test_a_message_survives_the_wire(params, request_id):
    message = protocol.request(request_id, "run", params)
    frame = protocol.encode(message)
    assert frame.count(b"\n") == 1
    assert list(protocol.read_messages(io.BytesIO(frame * 2))) == [message, message]


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused_and_never_crash(noise):
    try:
        for message in protocol.read_messages(io.BytesIO(noise + b"\n")):
            assert message["jsonrpc"] == "2.0"
    except errors.BadFrame:
        pass


def test_a_line_cut_short_by_a_kill_is_dropped():
    whole = protocol.encode(protocol.response(1, {"ok": True}))
    assert list(protocol.read_messages(io.BytesIO(whole + whole[:-3]))) == [protocol.decode(whole)]


def test_a_frame_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(protocol, "MAX_FRAME_BYTES", 64)
    with pytest.raises(errors.BadFrame, match="longer"):
        list(protocol.read_messages(io.BytesIO(b"x" * 100 + b"\n")))


@pytest.mark.parametrize("line", [b"[]", b"1", b'{"jsonrpc":"1.0"}', b"{", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_not_json_rpc_is_refused(line):
    with pytest.raises(errors.BadFrame):
        protocol.decode(line)


def test_nan_never_reaches_the_wire():
    with pytest.raises(ValueError):
        protocol.encode(protocol.response(1, float("nan")))


@pytest.mark.parametrize("error", errors.ERRORS)
def test_an_error_comes_back_as_itself(error):
    sent = protocol.failure(3, error.code, "The file 'ü.tif' is missing.", "Traceback …")
    back = protocol.error_of(json.loads(protocol.encode(sent)))
    assert type(back) is error
    assert back.message == "The file 'ü.tif' is missing."
    assert back.detail == "Traceback …"


def test_codes_are_unique():
    assert len(errors.BY_CODE) == len(errors.ERRORS)


def test_an_unknown_code_is_a_plain_error():
    assert type(errors.from_code(-1, "?")) is errors.QuadratError
