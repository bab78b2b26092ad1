"""Rasters on servers: read by windows, equal to the local file, watched for changes, a sentence for what fails."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from quadrat.core import remote
from quadrat.core.errors import BadInput, Cancelled
from quadrat.core.grid import Window
from quadrat.core.jobs.addresses import for_gdal, is_remote, web_address
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.raster import environment, open_raster
from quadrat.core.sidecar import fingerprint
from quadrat.core.writing import BlockWriter
from quadrat.tests.core import rasterserver

pytestmark = pytest.mark.same_without_torch
SIDE, BLOCK = 384, 64
TILED = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "interleave": "pixel"}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with rasterserver.serving() as server:
        yield server


@pytest.fixture
def far(server, make_raster):
    """A raster here, and its address on the server."""
    path = make_raster(height=SIDE, width=SIDE, dtype="uint16", **TILED)
    server.how.files["/big.tif"] = Path(path).read_bytes()
    return path, f"{server.url}/big.tif"


def read(path, window):
    with environment(), open_raster(path) as reader:
        return reader.read(window)


def job_of(path, output, **fields):
    given = {"input": str(path), "output": str(output), "backbone": "raw", "patch_size_px": 1, **fields}
    return EmbedRaster(**given)


def pixels(path):
    with rasterio.open(path) as file:
        return file.read()


def test_addresses_as_people_write_them():
    assert for_gdal("https://a.org/x.tif?s=1") == "/vsicurl/https://a.org/x.tif?s=1"
    assert for_gdal("s3://bucket/x.tif") == "/vsis3/bucket/x.tif"
    assert for_gdal("/data/x.tif") == "/data/x.tif" and for_gdal("C:\\x.tif") == "C:\\x.tif"
    assert web_address("/vsicurl/http://a.org/x.tif") == web_address("http://a.org/x.tif") == "http://a.org/x.tif"
    assert web_address("/vsis3/b/x.tif") == "" and is_remote("/vsizip//vsicurl/https://a.org/x.zip/y.tif")
    assert not is_remote("/vsizip/x.zip/y.tif") and not is_remote("relative/http.tif")


@pytest.mark.parametrize("form", ["{}", "/vsicurl/{}"])
def test_a_window_costs_a_small_share_and_is_equal(server, far, form):
    path, address = far
    window = Window(100, 130, 50, 40)
    values, valid = read(form.format(address), window)
    own, mask = read(path, window)
    assert np.array_equal(values, own) and np.array_equal(valid, mask)
    assert server.how.sent < len(server.how.files["/big.tif"]) / 5
    assert not [seen for seen in server.how.seen if seen[1] == "/"]  # no folder is listed


def run(job):
    """What the log says."""
    log = []
    run_job(job, Progress(log=lambda level, text: log.append(text)))
    return " ".join(log)


def test_an_embedding_of_an_extent_equals_the_local_one(server, far, tmp_path):
    path, address = far
    extent = {"extent": "600800,601600,8998400,8999200"}
    run(job_of(path, tmp_path / "here.tif", **extent))
    run(job_of(address, tmp_path / "far.tif", **extent))
    assert np.array_equal(pixels(tmp_path / "here.tif"), pixels(tmp_path / "far.tif"))
    assert server.how.sent < len(server.how.files["/big.tif"]) / 2
    assert "up to date" in run(job_of(f"/vsicurl/{address}", tmp_path / "far.tif", **extent))
    server.how.files["/big.tif"] += b"changed"
    assert "up to date" not in run(job_of(address, tmp_path / "far.tif", **extent))


def test_a_run_whose_server_dies_goes_on(server, make_raster, tmp_path, monkeypatch):
    path = make_raster(count=1, height=640, width=640, **TILED)
    server.how.files["/big.tif"], address = Path(path).read_bytes(), f"{server.url}/big.tif"
    small = {"tile_size_px": 64, "storage": "float32"}
    run(job_of(path, tmp_path / "here.tif", **small))
    with monkeypatch.context() as patch:
        plain = BlockWriter.put
        patch.setattr(BlockWriter, "put", lambda *given: (setattr(server.how, "dies_after", 0), plain(*given))[1])
        with pytest.raises(BadInput, match=r"run the same job again.*it goes on"):
            run(job_of(address, tmp_path / "far.tif", **small))
    assert not (tmp_path / "far.tif").exists() and (tmp_path / "far.tif.part").stat().st_size > 10_000
    server.how.dies_after = 10**9
    assert "Going on with an earlier run" in run(job_of(address, tmp_path / "far.tif", **small))
    assert np.array_equal(pixels(tmp_path / "here.tif"), pixels(tmp_path / "far.tif"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"status": 404}, "There is no .*big.tif. Look at the address"),
        ({"status": 403}, "refuses .*error|refuses .*403.*get a new one"),
        ({"status": 503}, "cannot be reached now .*503.*goes on"),
        ({"ranges": False}, "as a whole only.*Download the file"),
        ({"dies_after": 0}, "cannot be reached now.*goes on"),
    ],
)
def test_what_goes_wrong_is_a_sentence(server, far, change, sentence):
    for name, value in change.items():
        setattr(server.how, name, value)
    with environment(), pytest.raises(BadInput, match=sentence):
        open_raster(far[1])


def test_no_network_and_no_such_host(server):
    with environment():
        for address in ("http://127.0.0.1:9/x.tif", "https://no.such.host.invalid/x.tif"):
            with pytest.raises(BadInput, match=r"cannot be reached now.*proxy"):
                open_raster(address)


def test_a_file_that_was_missing_or_other_a_minute_ago_is_seen_as_it_is(server, far, make_raster):
    with environment():
        with pytest.raises(BadInput):
            open_raster(f"{server.url}/new.tif")
        server.how.files["/new.tif"] = server.how.files["/big.tif"]
        first = read(f"{server.url}/new.tif", Window(0, 0, 8, 8))
        other = make_raster("other.tif", height=SIDE, width=SIDE, dtype="uint16", seed=5, **TILED)
        server.how.files["/new.tif"] = Path(other).read_bytes()
        assert not np.array_equal(first[0], read(f"{server.url}/new.tif", Window(0, 0, 8, 8))[0])


@pytest.mark.parametrize("when", ["opening", "reading"])
def test_a_cancel_is_heard_while_the_server_is_silent(server, far, tmp_path, when):
    cancelled, asked = threading.Event(), []
    if when == "opening":
        server.how.silent.set()
    threading.Timer(0.4, lambda: (asked.append(time.monotonic()), cancelled.set())).start()

    def report(fraction, remaining_s, text):
        if fraction > 0.2:
            server.how.silent.set()

    job = job_of(far[1], tmp_path / "far.tif")
    with pytest.raises(Cancelled):
        run_job(job, Progress(report, None, cancelled))
    assert time.monotonic() - asked[0] < 1
    server.how.awake.set()


@pytest.fixture
def bucket(server, far, monkeypatch):
    """The same raster as an object of a store that answers on this machine."""
    server.how.files["/bucket/big.tif"] = server.how.files["/big.tif"]
    settings = {
        "AWS_S3_ENDPOINT": server.url.partition("://")[2], "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE",
        "AWS_NO_SIGN_REQUEST": "YES",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return far[0], "s3://bucket/big.tif"


def test_object_stores(server, bucket):
    path, address = bucket
    window = Window(200, 10, 30, 30)
    for form in (address, "/vsis3/bucket/big.tif"):
        assert np.array_equal(read(form, window)[0], read(path, window)[0])
    with environment(), pytest.raises(BadInput, match=r"There is no s3://wrong/big.tif.*bucket"):
        open_raster("s3://wrong/big.tif")
    server.how.status = 403
    with environment(), pytest.raises(BadInput, match="AWS_NO_SIGN_REQUEST"):
        open_raster("s3://bucket/other.tif")


def test_a_change_in_a_store_shows_in_the_blocks(server, bucket, make_raster):
    with environment():
        before = fingerprint(bucket[1])
        assert before == fingerprint("/vsis3/bucket/big.tif")
        with rasterio.open(bucket[0], "r+") as file:
            values = file.read(1, window=((200, 210), (200, 210)))
            file.write(values + 1, 1, window=((200, 210), (200, 210)))
        server.how.files["/bucket/big.tif"] = Path(bucket[0]).read_bytes()
        assert fingerprint(bucket[1]) != before


def test_without_etags_the_blocks_tell(server, far):
    server.how.tags = False
    with environment():
        before = remote.evidence(far[1])
        content = bytearray(server.how.files["/big.tif"])
        content[len(content) // 2] ^= 1
        server.how.files["/big.tif"] = bytes(content)
        assert remote.evidence(far[1]) == before  # a byte that meets none of what is looked at
        server.how.tags = True
        assert remote.evidence(far[1]) != before


def test_virtual_rasters_count_with_their_sources_on_servers(server, far, tmp_path):
    path = tmp_path / "mosaic.vrt"
    path.write_text(f'<VRTDataset><SourceFilename relativeToVRT="0">/vsicurl/{far[1]}</SourceFilename></VRTDataset>')
    with environment():
        before = fingerprint(str(path))
        assert before == fingerprint(str(path))
        server.how.files["/big.tif"] += b"more"
        assert fingerprint(str(path)) != before


def test_proxies_and_certificates_reach_gdal(server, far, monkeypatch):
    server.how.files["http://host.invalid/x.tif"] = server.how.files["/big.tif"]
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("SSL_CERT_FILE", "/office.pem")
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.setenv("GDAL_HTTP_CONNECTTIMEOUT", "3")
    found = remote.settings()
    assert found["CURL_CA_BUNDLE"] == "/office.pem" and "GDAL_HTTP_CONNECTTIMEOUT" not in found
    assert np.array_equal(read("http://host.invalid/x.tif", Window(0, 0, 9, 9))[0], read(far[0], Window(0, 0, 9, 9))[0])
