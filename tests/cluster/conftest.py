"""A scheduler with two workers in processes of their own, which know nothing of Quadrat before a job comes."""

import logging

import pytest
from quadrat.core import tiling
from quadrat.core.cluster import pieces
from quadrat.core.cluster.luggage import caller, luggage
from quadrat.core.cluster.spread import ROOT
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.pipelines.embedraster import run
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.tests.cluster import remote
from quadrat.tests.core import nets


class Machine:
    """The cluster and a client of it."""

    def __init__(self, cluster, client):
        self.cluster, self.client, self.address = cluster, client, cluster.scheduler_address

    def whole(self):
        """Wait until both workers are there, since one that is killed is started anew; process of each."""
        self.client.wait_for_workers(2, timeout=60)
        return list(self.on_workers("install").values())

    def on_workers(self, name, *args):
        """What a function of `remote.py` gives, by worker."""
        return self.client.run(caller(), f"quadrat.tests.cluster.remote:{name}", *args)


@pytest.fixture(scope="module")
def machine():
    from distributed import Client, LocalCluster

    options = {"processes": True, "memory_limit": None, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", **options) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.register_plugin(luggage("tests", str(ROOT), "", b""))
        yield Machine(cluster, client)


@pytest.fixture
def pace(go, machine, tmp_path):
    """A file that says how many seconds each batch takes, here and on the workers, or that it fails."""
    path = tmp_path / "pace"
    remote.pace(str(path))
    machine.on_workers("pace", str(path))
    return path


@pytest.fixture
def go(monkeypatch, tmp_path, machine):
    """Run the job here, or on the workers; gives facts, values, validity and log."""
    nets.install(monkeypatch)
    monkeypatch.setattr(nets, "PACE", "", raising=False)
    for net in (nets.TileNet, nets.LocalNet):
        monkeypatch.setattr(net, "__call__", remote.slowed(net.__call__))
    monkeypatch.setattr(tiling, "BLOCK_BYTES", remote.BLOCK_BYTES)
    monkeypatch.setattr(tiling, "LANE_BYTES", remote.LANE_BYTES)
    monkeypatch.setattr(pieces, "LEAST_BYTES", 1)
    monkeypatch.setattr(pieces, "SLACK", 9)
    machine.whole()

    def embed(path, name, progress=None, scheduler=machine.address, **fields):
        log, output = [], str(tmp_path / name)
        fields = {"backbone": "localnet", "overlap_px": 8, "patch_size_px": 2, "threads": 1} | fields
        job = EmbedRaster(input=path, output=output, scheduler=scheduler, **fields)
        result = run(job, progress or Progress(log=lambda level, text: log.append(text)))
        with open_raster(output) as reader:
            return result.facts, *reader.read(reader.grid.whole), " ".join(log)

    return embed
