"""Readers of text: tables, lists and JSON of other programs, our own JSON beside files, and what people type."""

import io
import json
import os
from argparse import Namespace
from pathlib import Path

from quadrat.core import protocol
from quadrat.core.bands.names import read_name
from quadrat.core.bands.recognise import recognise_facts
from quadrat.core.bands.wish import parse_months, parse_wish
from quadrat.core.jobs.registry import ALL
from quadrat.core.layersource import parse_source
from quadrat.core.live.messages import ASKS, Label
from quadrat.core.poverty.series import dates, table
from quadrat.core.reef import depthlog, gpx, photonames, placing
from quadrat.core.reef.formats.recognising import function, opened, recognise
from quadrat.core.reef.formats.registry import FORMATS
from quadrat.core.region import parse_extent
from quadrat.core.sidecar import decode_arrays, inputs_unchanged, read_sidecar
from quadrat.core.vector import read_vector
from quadrat.tests.core.fuzzing import Reader

CORALNET = b"""Name,Date,Row,Column,Label code,Annotator,Date annotated,Machine suggestion 1,Machine confidence 1
a.jpg,2020-05-01,10,20,Hard,someone,2020-05-01 07:30:00+00:00,Hard,87
a.jpg,2020-05-01,30,40,Sand,robot,2020-05-02 07:30:00+00:00,Sand,51
b.jpg,2020-05-03,0,0,,,,Soft,12
"""
TOOLBOX = b"""Name,Path,Row,Column,Patch Size,Annotation Type,Label,Long Label,Verified,Machine confidence 1,Machine suggestion 1
a.jpg,C:/x/a.jpg,10,20,224,PatchAnnotation,Hard,Hard coral,True,0.871,Hard
b.jpg,C:/x/b.jpg,30,40,224,PatchAnnotation,Review,Review,False,0.5,Sand
"""  # noqa: E501 - as the program writes it
TOOLBOX_JSON = json.dumps({
    "C:/x/a.jpg": [{
        "type": "PatchAnnotation", "label_short_code": "Hard", "label_long_code": "Hard coral", "label_id": "7",
        "center_xy": [20.5, 10.0], "annotation_size": 224, "verified": True, "data": {},
        "machine_confidence": {"Hard": 0.8, "Sand": 0.2},
    }],
    "b.jpg": [],
}).encode()  # fmt: skip
CPC = (
    b'"C:\\codes.txt","C:\\x\\a.jpg",15000,12000,14400,10800\r\n0,11985\r\n14985,11985\r\n14985,0\r\n0,0\r\n2\r\n'
    b'150,300\r\n4500,900\r\n"1","Hard","Notes","n"\r\n"2","","Notes",""\r\n' + b'""\r\n' * 28
)
LABELSET = b"code,name,parent,colour,Label ID\nCorals,Corals,,#ff0000,1\nHard,Hard coral,Corals,00ff00,2\nSand,,,,3\n"
LEVELS = b"code,level 1,level 2,level 3\nA,Biota,Corals,Hard\nB,Biota,Corals,\nC,Substrate,,\nD,Biota,Algae,Turf\n"
CPCE_CODES = (
    b'2\r\n"C","Coral","ff0000"\r\n"A","Algae"\r\n"HC","Hard coral","C"\r\n"TA","Turf","A"\r\n'
    b"NOTES,NOTES,NOTES\r\nB,x\r\n"
)
TOOLBOX_LABELS = json.dumps([
    {"id": "1", "short_label_code": "Hard", "long_label_code": "Hard coral", "color": [255, 0, 0, 255]},
    {"id": "2", "short_label_code": "Sand", "long_label_code": "Sand", "color": [255, 255, 0, 255]},
]).encode()  # fmt: skip
GREY = {"caab_code": "", "point_colour": "#8f8f8f", "description": ""}
CATAMI = json.dumps([
    {"pk": 1, "model": "x", "fields": {**GREY, "cpc_code": "B", "code_name": "Biota", "parent": None}},
    {"pk": 2, "model": "x", "fields": {**GREY, "cpc_code": "C", "code_name": "Coral", "parent": 1}},
]).encode()  # fmt: skip
COVERS = b"""Image ID,Image name,Annotation status,Points,Hard,Sand
1,a.jpg,Confirmed,25,40.000,60.000
ALL IMAGES,,,,40.000,60.000
"""
OF_FORMATS = {
    "coralnet": (CORALNET, "text"), "cpce": (CPC, "text"), "toolbox": (TOOLBOX, "text"),
    "toolbox_json": (TOOLBOX_JSON, "json"), "labelset": (LABELSET, "text"), "cpce_codes": (CPCE_CODES, "text"),
    "toolbox_labels": (TOOLBOX_LABELS, "json"), "catami": (CATAMI, "json"), "covers": (COVERS, "text"),
}  # fmt: skip
"""A whole file of each format and how it can be spoilt."""
GPX = b"""<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
<trkpt lat="1.5" lon="103.5"><time>2020-05-01T07:30:00Z</time></trkpt>
<trkpt lat="1.5001" lon="103.5001"><time>2020-05-01T07:31:00Z</time></trkpt></trkseg></trk></gpx>
"""
GPX_OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e SYSTEM "file:///etc/passwd">]>
<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><name>&d;&e;</name><trkseg><trkpt lat="1" lon="2">
<time>&e;</time></trkpt></trkseg></trk></gpx>
"""
DEPTHS = b"datetime,depth_m\n2020-05-01T07:30:00Z,5.2\n2020-05-01 07:31:00,6.1\n"
SENSUS = b"1,U-12345,7,2020,5,1,7,30,0,0,1013,290\n1,U-12345,7,2020,5,1,7,30,0,10,1613,290\n"
DATES = b"file;date;band;name;sensor\na.tif;2019-07;1;red;s2\nb.tif;2020;2;nir;\n"
SURVEY = b"cluster,longitude,latitude,urban_rural,year,wealth\n1,1.2,6.2,U,2014,3.0\n2,1.25,6.3,R,2014,1.0\n"
JOBS_SEEDS = tuple(json.dumps(job.example().to_dict()).encode() for job in ALL)


def _tree(path):
    """Labels of a file as a tree, as the jobs want them."""
    from quadrat.core.reef.formats.shape import tree_of, used_codes

    found = opened(path)
    used_codes(found)
    return tree_of(found.labels) if len(found.labels) else found


def of_formats():
    """Each format by its own reader, and all of them by what recognises them."""
    readers = [
        Reader(f"reef {name}", function(FORMATS[name].reader), lambda seed=seed: [seed], shape, card.suffixes[0])
        for (name, (seed, shape)), card in zip(OF_FORMATS.items(), map(FORMATS.get, OF_FORMATS))
    ]  # fmt: skip
    tables = [seed for seed, shape in OF_FORMATS.values() if shape == "text" and seed is not COVERS] + [LEVELS]
    jsons = [seed for seed, shape in OF_FORMATS.values() if shape == "json"]
    return [
        *readers,
        Reader("reef levels", function(FORMATS["labelset"].reader), lambda: [LEVELS], "text", ".csv"),
        Reader("reef any table", _tree, lambda: tables, "text", ".csv"),
        Reader("reef any JSON", _tree, lambda: jsons, "json", ".json"),
        Reader("reef recognise", recognise, lambda: tables + jsons, "bytes", ".txt"),
    ]


def _survey(path):
    """The rows of a survey of households or clusters."""
    from quadrat.core.jobs.poverty.survey import PrepareSurvey
    from quadrat.core.poverty.survey.table import read_rows

    return read_rows(PrepareSurvey(survey=path, output="x.gpkg"))


def _recoding(path):
    from quadrat.core.poverty.survey.recoding import SHIPPED, Recoding

    return Recoding(path or SHIPPED)


def _recoding_seed():
    from quadrat.core.poverty.survey.recoding import SHIPPED

    return [b"".join(SHIPPED.read_bytes().splitlines(keepends=True)[:40])]


def _photos(path):
    from quadrat.core.reef.photofacts import read_facts

    return read_facts(read_vector(path), path, {}, "")


PHOTOS = (
    b"name,site,date,depth_m,longitude,latitude,area_m2\na.jpg,Reef,2020-05-01,5.5,103.5,1.5,1\nb.jpg,,1 May 2020,,,,\n"
)


def of_tables():
    """Tables of users."""
    return [
        Reader("GPX track", lambda path: gpx.read_track([path]), lambda: [GPX, GPX_OUTSIDE], "text", ".gpx"),
        Reader("depth log", depthlog.read_depth, lambda: [DEPTHS, SENSUS], "text", ".csv"),
        Reader("table of dates", table.read_table, lambda: [DATES], "text", ".csv"),
        Reader("table", read_vector, lambda: [SURVEY, DEPTHS, CORALNET], "text", ".csv"),
        Reader("survey table", _survey, lambda: [SURVEY], "text", ".csv"),
        Reader("table of photos", _photos, lambda: [PHOTOS], "text", ".csv"),
        Reader("recoding", _recoding, _recoding_seed, "text", ".csv"),
    ]


def _job(path):
    """As `quadrat run` reads it."""
    from quadrat.processing.shell import _replay

    return _replay(Namespace(file=path, print_job=True, json=False))


def _frames(path):
    """As the client and the worker take what comes over the wire."""
    from quadrat.core.worker.server import Server
    from quadrat.processing.client import _relay

    content = Path(path).read_bytes() + b"\n"
    server = Server(io.BytesIO(content), io.BytesIO(), leave=lambda code: None)
    server._in_turn = {method: lambda request_id, params: {} for method in server._in_turn}
    server._read()
    for _ in range(server._requests.qsize()):
        message = server._requests.get()
        if message:
            server._answer(message, dict)
    for message in protocol.read_messages(io.BytesIO(content)):
        if "error" in message:
            str(protocol.error_of(message))
        elif (message.get("params") or {}).get("id") == 2:
            _relay(message, *[lambda *told: None] * 3)


FRAMES = (
    protocol.encode(protocol.request(1, protocol.INITIALIZE, {"protocol": 1, "version": "1"})),
    protocol.encode(protocol.request(2, protocol.RUN, {"job": {"job": "trainhead"}})),
    protocol.encode(protocol.notification(protocol.CANCEL, {"id": 2})),
    protocol.encode(protocol.failure(3, -32001, "It cannot be done.", "why")),
    protocol.encode(protocol.notification(protocol.PROGRESS, {"id": 2, "fraction": 0.5, "remaining_s": 1, "text": ""})),
    protocol.encode(protocol.notification(protocol.LOG, {"id": 2, "level": "info", "text": "It goes well."})),
    protocol.encode(protocol.notification(protocol.EPOCH, {"id": 2, "news": {
        "method": "m", "indicator": "i", "test": "blocks", "model": 1, "models": 2, "device": "CPU",
        "facts": {"epoch": 1, "epochs": 2, "training": 0.5, "validation": None, "best_epoch": 1, "seconds": 1.0},
    }})),
)  # fmt: skip
MESSAGES = tuple(json.dumps(one).encode() for one in (
    {"embedding": "a.tif", "folder": "x", "target": "class", "head": "linear", "balance": True, "seed": 0},
    {"changed": [{"id": 1, "wkb": "0101000000000000000000F03F000000000000F03F", "y": "a"}], "removed": [3],
     "clear": False, "classes": ["a", "b"]},
    {"id": 1, "wkb": "0101000000000000000000F03F000000000000F03F", "y": "a"},
    {"row": 0, "col": 0, "height": 10, "width": 10, "step": 1, "settle": False, "coverage": 0.9},
    {"count": 1, "strategy": "mix", "skipped": [[1, 2]], "window": [0, 0, 4, 4]},
))  # fmt: skip


def _parsed(path):
    """What the wire hands on: JSON of any kind."""
    text = Path(path).read_bytes()
    try:
        return json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}


def _messages(path):
    values = _parsed(path)
    values = values if isinstance(values, dict) else {}

    for ask in (*ASKS, Label):
        try:
            ask.from_dict(values).to_dict()
        except Exception as error:
            if type(error).__name__ != "BadJob":
                raise


def of_messages():
    """What crosses the wire, and jobs kept as JSON."""
    return [
        Reader("job JSON", _job, lambda: JOBS_SEEDS, "json", ".json"),
        Reader("list of jobs", _job, lambda: [b"[" + b",".join(JOBS_SEEDS[:3]) + b"]"], "json", ".json"),
        Reader("wire frames", _frames, lambda: [b"".join(FRAMES), *FRAMES], "text", ".jsonl"),
        Reader("wire JSON", _frames, lambda: FRAMES, "json", ".jsonl"),
        Reader("live messages", _messages, lambda: MESSAGES, "json", ".json"),
    ]


def _line(read):
    """A reader of a text that people type, or that files hold as a name."""
    return {"read": read, "shape": "line", "as_text": True}


def of_lines():
    """Short texts."""
    templates = (b"{site}_{transect}_{date}.jpg", b"{*}/{q}_{depth}m", b"{date:%d%m%Y}")
    wishes = (b"blue=2 green=3 red=4", b"4 3 2", b"date=2021-03 nir=1")
    names = (b"B08_2021", b"sur_refl_b01", b"SR_B4 (red) 665 nm", b"nir842", b"red_2019-07-14", b"3_B5")
    seeds = {
        "bands wished": (_line(lambda text: (parse_wish(text), parse_wish(text, 12))), wishes),
        "months": (_line(parse_months), (b"4 5 6", b"1-12", b"11-2")),
        "extent": (_line(parse_extent), (b"0,10,0,5 [EPSG:4326]", b"1,2,3,4")),
        "layer source": (_line(parse_source), (b"a.gpkg|layername=x|layerid=0|subset=a > 1", b"file:///a%20b.csv?x=1")),
        "clock": (_line(gpx.parse_ahead), (b"12", b"-9.5", b"+09:30", b"12:00:20")),
        "margins": (_line(placing.parse_margins), (b"5%", b"10 20", b"1 2 3 4")),
        "template of names": (_line(_template), templates),
        "names of photos": (_line(_names), (b"Reef_t1_q3_2020-05-01.jpg", b"IMG_0001.JPG", b"s4_10m_20200501.png")),
        "names of bands": (_line(_bands), names),
        "dates": (_line(_dates), (b"2019-07-14", b"S2A_20190714T103031", b"F162009", b"2019", b"A2019123")),
    }  # fmt: skip
    return [Reader(name, seeds=lambda texts=texts: texts, **how) for name, (how, texts) in seeds.items()]


def _template(text):
    return photonames.read_names(["Reef_t1_2020-05-01.jpg", "Reef_t2_2020-05-02.jpg"], text)


def _names(text):
    return photonames.read_names([text, "a_1.jpg"], ""), photonames.parse_date(text)


def _bands(text):
    from quadrat.core.bands.facts import Facts

    names = (text, f"{text}_2020", "red", "3")
    read_name(text)
    return recognise_facts(Facts(text, (1, 2, 3, 4), names, tags={"SENSOR": text}, count=4, pixel_m=10.0))


def _dates(text):
    return dates.parse(text), dates.candidates(text), dates.dates_in_names([text, "b_2020.tif"], {text: {"date": text}})


def _sidecar(path):
    """What jobs ask of a sidecar."""
    from quadrat.core.estimation.design import design_from
    from quadrat.core.estimation.mapclasses import _from_sidecar
    from quadrat.core.space import Space

    path = path[: -len(".quadrat.json")]
    Path(path).write_bytes(b"x")
    content = read_sidecar(path)
    _from_sidecar(path)
    if content is None:
        return
    inputs_unchanged(content, {"input": path})
    for reads in (lambda facts: Space.from_json(facts["space"]), lambda facts: design_from(facts, path)):
        try:
            reads(content["facts"])
        except KeyError as error:
            if str(error) not in ("'space'", "'design'"):
                raise
    decode_arrays(content["facts"].get("state") or {})


def _sidecar_seeds():
    import numpy as np
    from quadrat.core.sidecar import encode_arrays
    from quadrat.core.space import Space

    state = {"mean": np.arange(3, dtype=np.float32)}
    strata = [{"name": "a", "value": 1, "colour": "#ff0000", "count": 10, "drawn": 2, "area_m2": 100.0}]
    design = {"format": 1, "strata": strata, "kind": "simple", "unit": "cell", "source": "a.tif", "print": ""}
    facts = {
        "signature": "0" * 32, "classes": [{"value": 1, "name": "a", "colour": "#ff0000"}], "credits": ["x"],
        "space": Space("spectral-textural", bands=(1, 2), state=state).to_json(), "design": design,
        "state": encode_arrays(state),
    }  # fmt: skip
    job = next(job for job in ALL if job.facts.id == "embedraster").example().to_dict()
    inputs = {"input": {"path": "a.tif", "fingerprint": "0" * 32}}
    return [json.dumps({"format": 1, "version": "1", "job": job, "inputs": inputs, "facts": facts}).encode()]


def _engine(path):
    """Pointer and facts of an engine, as QGIS and the shell read them at their start."""
    from quadrat.processing import environment

    home = Path(path).parent
    (home / "engines" / "one").mkdir(parents=True, exist_ok=True)
    (home / "engines" / "one" / environment.FACTS).write_bytes(Path(path).read_bytes())
    before = {name: os.environ.pop(name, None) for name in ("QUADRAT_HOME", "QUADRAT_PYTHON")}
    os.environ["QUADRAT_HOME"] = str(home)
    try:
        environment.find_engine()
    finally:
        del os.environ["QUADRAT_HOME"]
        os.environ.update({name: value for name, value in before.items() if value is not None})


def of_notes():
    """JSON that lies beside files."""
    from quadrat.models.weights import hashes, place, records

    record = {"name": "x", "file": "x.pt", "sha256": "0" * 64, "bytes": 5, "origin": "u", "stamp": [1, 2, 3, 4]}
    engine = b'{"engine": "one", "size": "light", "requirements": "abcdefgh"}'
    sums = b"# known\n" + b"0" * 64 + b"  one.pt\nabc*  two\n"
    return [
        Reader("sidecar", _sidecar, _sidecar_seeds, "json", name_of_file="a.tif.quadrat.json"),
        Reader("record of weights", lambda path: records.read_record(Path(path).with_suffix(".pt")),
               lambda: [json.dumps(record).encode()], "json", name_of_file="x.json"),
        Reader("place of weights", lambda path: place.store_folder(Path(path).parent),
               lambda: [b'{"folder": "weights"}'], "json", name_of_file="weights.json"),
        Reader("sums of weights", lambda path: hashes.known_hashes(Path(path)), lambda: [sums], "text"),
        Reader("engine pointer", _engine, lambda: [engine], "json", name_of_file="engine.json"),
    ]  # fmt: skip
