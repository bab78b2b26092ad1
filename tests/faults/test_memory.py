"""Memory that runs out: smaller batches and the same result, or a sentence."""

from pathlib import Path

from quadrat.core.errors import QuadratError
from quadrat.tests.faults import hurting


def test_batches_are_halved(ward, known, tmp_path):
    job = known("hungry").again(tmp_path)
    ran = ward.run(job, {"batch_mb": 750})
    assert ran.error is None
    assert "Memory ran out with 32 tiles at once; going on with 16" in ran.text
    assert known("hungry").made(job)


def test_too_little_for_anything(ward, known, tmp_path):
    """Libraries give up in their own ways and words: at worst the process ends, which is a sentence too."""
    job = known("hungry").again(tmp_path)
    for megabytes in (4, 10, 30):
        ran = ward.run(job, {"address_mb": megabytes})
        assert isinstance(ran.error, QuadratError), megabytes
        assert "Traceback" not in str(ran.error)
        assert not Path(job["output"]).exists()
    assert ward.run(job).error is None
    assert known("hungry").made(job)
    assert hurting.beside(job["output"]) == ["again.tif", "again.tif.quadrat.json"]
