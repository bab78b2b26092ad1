"""Whole documents spoilt at random: bytes, lines, JSON, arrays, archives, databases; for `fuzzing.py`."""

import io
import json
import random
import sqlite3
import struct
import zipfile
from typing import Any, Callable, Dict, List

DEEP = 3000
LONG = 40_000
RAWS = (
    "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "9" * 5000, "-" + "9" * 400, "1e999", "NaN",
    "-Infinity", "1e-400", "0.1" * 1, '{"a": 1, "a": 2}', "[1, [2, [3, {}]]]", "12345678901234567890",
)  # fmt: skip
"""JSON as Python does not write it."""
TEXTS = (
    "", " ", "\0", "\ud800", "../../etc/passwd", "/vsimem/none", "|layername=", "%s%n", "=1+1", '"', "'; DROP TABLE x",
    "é字\u202e", "nan", "inf", "-1", "0", "1e308", "99999999999999999999", "2026-13-45", "0000-00-00", "\r\n", "\t",
    "," * 50, "x" * LONG, "9" * 5000, "<a>", "None", "true", "١٢٣", "²", "1_000", "0x10", "CON", "a/b\\c", "-", "[]",
    "{}", "#gggggg", "🐠" * 20,
)  # fmt: skip
NUMBERS = (0, -1, 1, 255, 256, 2**31, -(2**31) - 1, 2**63, -(2**63), 10**30, 10**400, 0.5, -0.0, 1e308, 5e-324)
ENCODINGS = ("utf-16", "utf-16-le", "utf-8-sig", "latin-1", "cp1252", "utf-32", "cp037")
ENDS = ("\n", "\r\n", "\r", "\n\r", "\x85", "\u2028", "\0", "")
Spoiler = Callable[[random.Random, bytes], bytes]


def in_bytes(rng: random.Random, data: bytes) -> bytes:
    """Bits flipped, pieces cut, doubled, swapped, and numbers of the extremes put in."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 12))):
        place = rng.randrange(len(made) + 1)
        length = rng.choice((1, 2, 4, 8, 30, len(made) // 3 + 1))
        piece = made[place : place + length]
        extreme = rng.choice((b"\0", b"\xff", b"\x7f", b"\x80", b"\x01")) * rng.choice((1, 2, 4, 8))
        how = rng.randrange(7)
        if how == 0 and place < len(made):
            made[place] ^= 1 << rng.randrange(8)
        elif how == 1:
            del made[place : place + length]
        elif how == 2:
            made[place:place] = piece * rng.choice((1, 2, 50))
        elif how == 3:
            made[place : place + len(extreme)] = extreme
        elif how == 4:
            made[place:place] = rng.randbytes(min(length, 64))
        elif how == 5:
            del made[place:]
        else:
            number = rng.choice(NUMBERS[:9])
            made[place : place + 8] = struct.pack(rng.choice("<>") + "Q", number % 2**64)
    return bytes(made)


def in_text(rng: random.Random, data: bytes) -> bytes:
    """Lines and values of a table, or of any text, spoilt; then perhaps its letters."""
    lines = data.decode("utf-8", "replace").splitlines() or [""]
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        place = rng.randrange(len(lines))
        separator = max(",;\t =:", key=lines[place].count)
        parts = lines[place].split(separator)
        how = rng.randrange(9)
        if how == 0:
            del lines[place : place + rng.choice((1, 1, 5))]
        elif how == 1:
            lines[place:place] = [lines[place]] * rng.choice((1, 2, 40))
        elif how == 2:
            other = rng.randrange(len(lines))
            lines[place], lines[other] = lines[other], lines[place]
        elif how == 3:
            lines.insert(place, separator.join(rng.choice(TEXTS) for _ in parts))
        elif how == 4:
            lines[place] = separator.join([*parts, *[rng.choice(TEXTS)] * rng.choice((1, 3, 300))])
        elif how == 5:
            del parts[rng.randrange(len(parts))]
            lines[place] = separator.join(parts)
        elif how == 6:
            rng.shuffle(parts)
            lines[place] = separator.join(parts)
        else:
            parts[rng.randrange(len(parts))] = rng.choice(TEXTS)
            lines[place] = separator.join(parts)
        lines = lines or [""]
    end = rng.choice((*ENDS[:2] * 6, *ENDS))
    return _lettered(rng, end.join(lines) + rng.choice(("", end)))


def in_line(rng: random.Random, data: bytes) -> bytes:
    """A short text, as people type it, with signs and numbers changed."""
    text = data.decode("utf-8", "replace")
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(len(text) + 1)
        piece = rng.choice((*TEXTS, *map(str, NUMBERS), *" ,;=-:|.[]()/+*%", "2019-02-30", "١", "1-1-1"))
        text = text[:place] + piece + text[place + rng.choice((0, 0, 1, 1, 3, 20)) :]
    return text.encode("utf-8", "surrogatepass")


def _lettered(rng: random.Random, text: str) -> bytes:
    """The text in some encoding, mostly the usual one."""
    if rng.randrange(5):
        return text.encode("utf-8", "surrogatepass")
    made = text.encode(rng.choice(ENCODINGS), "replace")
    return rng.choice((made, made, b"\xef\xbb\xbf" + made, made + b"\0", in_bytes(rng, made)))


def in_json(rng: random.Random, data: bytes) -> bytes:
    """Values lost, doubled, of another kind, enormous or nested without end."""
    value = json.loads(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        value = _changed(rng, value)
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    for number, raw in enumerate(RAWS):
        text = text.replace(f'"@raw{number}@"', raw)
    if rng.random() < 0.1:
        text = text[1:-1].join(text[:: len(text) - 1] if len(text) > 1 else text)  # as it was, its ends once more
    return _lettered(rng, text)


def _changed(rng: random.Random, value: Any) -> Any:
    """With one value below changed."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        how = rng.randrange(6)
        if how == 0:
            return {name: one for name, one in value.items() if name != key}
        if how == 1:
            return {**value, rng.choice((*TEXTS[:12], key.upper(), f"{key} ")): value[key]}
        if how == 2:
            return {rng.choice(TEXTS[:20]) if name == key else name: one for name, one in value.items()}
        return {**value, key: _changed(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.85:
        place = rng.randrange(len(value))
        how = rng.randrange(6)
        if how == 0:
            return value[:place] + value[place + 1 :]
        if how == 1:
            return value + value[place : place + 1] * rng.choice((1, 1, 50))
        return [*value[:place], _changed(rng, value[place]), *value[place + 1 :]]
    return _odd(rng, value)


def _odd(rng: random.Random, value: Any) -> Any:
    """Something else in its place, of its own kind now and then."""
    if isinstance(value, str) and rng.random() < 0.3:
        return in_line(rng, value.encode("utf-8", "replace")).decode("utf-8", "replace")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and rng.random() < 0.5:
        return rng.choice(NUMBERS)
    kinds: List[Any] = [None, True, False, [], {}, [value], {"a": value}, [[]], [None], {"": {}}, [value] * 3]
    raw = f"@raw{rng.randrange(len(RAWS))}@"
    return rng.choice((raw, rng.choice(kinds), rng.choice(kinds), rng.choice(TEXTS), rng.choice(NUMBERS)))


def in_array(rng: random.Random, data: bytes) -> bytes:
    """The head of a .npy file telling another story."""
    if rng.random() < 0.4 or not data.startswith(b"\x93NUMPY"):
        return in_bytes(rng, data)
    length = struct.unpack("<H", data[8:10])[0]
    head = data[10 : 10 + length].decode("latin-1")
    olds = ("'<f4'", "'<f8'", "'<i8'", "'|i1'", "'<i4'", "False", "(", ",)", "'shape'", "'descr'")
    news = (
        "'|O'", "'<U100000000'", "'<V0'", "[('a','|O')]", "'<M8[s]'", "True", "(-1, ", "(9223372036854775807, ",
        "(2, " * 40, "'", "None",
    )  # fmt: skip
    for _ in range(rng.choice((1, 1, 3))):
        head = head.replace(rng.choice(olds), rng.choice(news), 1)
    body = head.encode("latin-1")
    return data[:8] + struct.pack("<H", rng.choice((len(body), len(body), length, 65535))) + body + data[10 + length :]


def in_tensors(rng: random.Random, data: bytes) -> bytes:
    """The header of a safetensors file telling another story."""
    if rng.random() < 0.3 or len(data) < 8:
        return in_bytes(rng, data)
    length = struct.unpack("<Q", data[:8])[0]
    if length > len(data):
        return in_bytes(rng, data)
    head = in_json(rng, data[8 : 8 + length])
    told = rng.choice((len(head), len(head), len(head), length, 0, 2**63, 2**64 - 1, len(head) + 1, 99_999_999))
    return struct.pack("<Q", told) + head + data[8 + length :]


def in_archive(rng: random.Random, data: bytes) -> bytes:
    """Members spoilt after their kinds, lost, doubled, bombs, and paths that lead outside."""
    if rng.random() < 0.2 or not zipfile.is_zipfile(io.BytesIO(data)):
        return in_bytes(rng, data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    if not members:
        return in_bytes(rng, data)
    place = rng.randrange(len(members))
    name, body = members[place]
    how = rng.randrange(12)
    if how == 0:
        del members[place]
    elif how == 1:
        members.append((name, rng.choice(members)[1]))
    elif how == 2:
        members.append(
            (rng.choice(("../../canary", "/canary", "..\\canary", "C:\\canary", "training/../../x.npy")), body)
        )
    elif how == 3:
        members[place] = (name, b"\0" * (48 * 2**20 if rng.random() < 0.05 else 2**20))
    elif how == 4:
        members[place] = (rng.choice(TEXTS[4:12]) or "x", body)
    else:
        members[place] = (name, _by_kind(rng, name, body))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, body in members:
            info = zipfile.ZipInfo(name.replace("\ud800", "?"))
            archive.writestr(info, body, compress_type=rng.choice((0, 8, 8, 12)))
    made = packed.getvalue()
    return in_bytes(rng, made) if rng.random() < 0.05 else made


def _by_kind(rng: random.Random, name: str, body: bytes) -> bytes:
    ends: Dict[str, Spoiler] = {
        ".json": in_json, ".npy": in_array, ".skops": in_archive, ".safetensors": in_tensors
    }  # fmt: skip
    return next((how for end, how in ends.items() if name.endswith(end)), in_bytes)(rng, body)


def in_database(rng: random.Random, data: bytes) -> bytes:
    """Rows, columns and tables of an SQLite file spoilt."""
    if rng.random() < 0.25:
        return in_bytes(rng, data)
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(data)  # type: ignore[attr-defined]
        connection.execute("PRAGMA writable_schema = ON")
        for _ in range(rng.choice((1, 1, 2, 5))):
            _spoil_table(rng, connection)
        connection.commit()
        return bytes(connection.serialize())  # type: ignore[attr-defined]
    except sqlite3.Error:
        return in_bytes(rng, data)
    finally:
        connection.close()


def _spoil_table(rng: random.Random, connection: sqlite3.Connection) -> None:
    """One change; one that SQLite refuses is none."""
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    table = rng.choice(names)
    columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
    if not columns:
        return
    column = rng.choice(columns)
    values: List[Any] = [
        None, rng.choice(TEXTS).replace("\ud800", "?"), rng.choice(TEXTS[12:20]), rng.choice(NUMBERS[:9]) % 2**63, 1.5,
        -1, 1e308, rng.randbytes(20), b"", b"GP\0\x01" + bytes(60), b"GP\0\x03" + rng.randbytes(60),
    ]  # fmt: skip
    value = rng.choice(values)
    statements = (
        (f'UPDATE "{table}" SET "{column}" = ?', (value,)),
        (f'UPDATE OR IGNORE "{table}" SET "{column}" = ? WHERE rowid % 2', (value,)),
        (f'UPDATE OR IGNORE "{table}" SET "{column}" = ? WHERE rowid % 2', (value,)),
        (f'DELETE FROM "{table}" WHERE rowid % 2', ()),
        (f'DELETE FROM "{table}"', ()),
        (f'DROP TABLE "{table}"', ()),
        (f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "other"', ()),
        (f'ALTER TABLE "{table}" DROP COLUMN "{column}"', ()),
        (f'ALTER TABLE "{table}" ADD COLUMN "more" BLOB', ()),
        (f'CREATE VIEW "v{rng.randrange(9)}" AS SELECT * FROM "{table}"', ()),
        ("UPDATE sqlite_master SET sql = replace(sql, 'INTEGER', 'TEXT') WHERE name = ?", (table,)),
        (f"PRAGMA user_version = {rng.choice((0, 99, -1, 2**31 - 1))}", ()),
    )
    try:
        connection.execute(*rng.choice(statements))
    except (sqlite3.Error, OverflowError):
        return


SPOILERS: Dict[str, Spoiler] = {
    "bytes": in_bytes, "text": in_text, "line": in_line, "json": in_json, "npy": in_array, "safetensors": in_tensors,
    "zip": in_archive, "sqlite": in_database,
}  # fmt: skip
