"""Half precision: which jobs may ask for it, and what tells two runs apart."""

import pytest
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.jobs.embed import EmbedRaster

pytestmark = pytest.mark.same_without_torch


def test_backbones_that_are_no_networks_refuse_it():
    given = {"input": "a.tif", "output": "b.tif", "precision": "half"}
    with pytest.raises(BadJob, match="Backbone mosaiks knows no half precision: set 'Precision' to float32"):
        EmbedRaster.from_dict({**given, "backbone": "mosaiks"})
    assert EmbedRaster.from_dict({**given, "backbone": "croma-base"}).precision == "half"


def test_the_space_of_such_a_backbone_refuses_it(make_raster, embed):
    path = make_raster()
    first = embed(path, backbone="localnet")
    with pytest.raises(BadInput, match="localnet knows no half precision"):
        embed(path, "like.tif", like=first.path, precision="half")
    assert "up to date" in embed(path, backbone="localnet", precision="float32").text
