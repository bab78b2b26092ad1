"""The one way through networks of torch: scaled as in numpy, in full and in half precision, and what fails on it."""

import numpy as np
import pytest
from quadrat.models.errors import OutOfMemory, UnusableModel
from quadrat.models.scaling import NetworkInput, UnitRange

torch = pytest.importorskip("torch")

from quadrat.models import running  # noqa: E402
from quadrat.models.definitions.croma import BandRange  # noqa: E402


@pytest.fixture
def request_(tools):
    return tools.request_for(tools.scene(3))


@pytest.fixture
def halved(monkeypatch):
    """This computer's processor as if it gained by half precision."""
    monkeypatch.setattr(running, "half_type", lambda place: torch.bfloat16)


def with_gaps(tools):
    values = np.stack([tools.scene(3, 40, 36, seed) for seed in (1, 2)])
    valid = np.random.default_rng(0).random((2, 40, 36)) > 0.2
    return np.where(valid[:, None], values, 0).astype(np.float32), valid


def numbers(*given):
    return np.array(given, np.float32)


@pytest.mark.parametrize(
    "prepare",
    [
        NetworkInput(UnitRange(numbers(-1, 40, 3), numbers(1.5, 70, 190)), *np.full((3, 3), 0.37, np.float32)),
        NetworkInput(UnitRange(numbers(), numbers()), numbers(1, 2, 3), numbers(0, 0.1, 0.2), numbers(1, 0.3, 7)),
        BandRange(numbers(-1, 40, 3), numbers(1.5, 70, 190)),
        BandRange(numbers(-1, 40, 3), numbers(1.5, 70, 190), eight_bit=True),
    ],
    ids=["range", "none", "croma", "8 bit"],
)
def test_bands_are_scaled_on_the_device_as_in_numpy(prepare, tools, request_):
    runtime, (values, valid) = running.Runtime(request_), with_gaps(tools)
    there = prepare.on(runtime.hold)
    expected = prepare(values, valid)
    assert expected.dtype == np.float32
    np.testing.assert_array_equal(runtime(there, values, valid), expected)
    np.testing.assert_array_equal(runtime(there, values, np.ones_like(valid)), prepare(values, None))


def test_arrays_that_may_not_be_written_to_are_taken(tools, request_):
    values, valid = with_gaps(tools)
    values.flags.writeable = valid.flags.writeable = False
    found = running.Runtime(request_)(lambda pixels, shown: pixels * shown[:, None], values[:, :, ::-1], valid)
    np.testing.assert_array_equal(found, values[:, :, ::-1] * valid[:, None])


def test_threads_are_those_of_this_job_and_not_of_the_one_before(tools):
    seen = []

    def look(pixels, shown):
        seen.append(torch.get_num_threads())
        return pixels

    own = running._own_threads()
    for threads in (0, own + 1, 0):
        running.Runtime(tools.request_for(tools.scene(1), threads=threads))(look, *nothing())
    assert seen == [own, own + 1, own]


def nothing():
    return np.zeros((1, 1, 4, 4), np.float32), np.ones((1, 4, 4), bool)


def test_half_precision_is_close_and_of_the_same_space(tools, tiny_vit, halved):
    def build(**options):
        request = tools.request_for(
            tools.scene(3), model=tools.tiny, weights=tiny_vit, tile_size_px=32, patch_size_px=0, **options
        )
        return tools.build("timm", request)

    exact, half = build(), build(precision="half")
    assert half.device == f"{exact.device}, bfloat16"
    assert half.identity == exact.identity
    values, valid = np.stack([tools.scene(3, 32, 32, seed) for seed in (1, 2)]), np.ones((2, 32, 32), bool)
    for look in ("__call__", "pooled"):
        found, expected = (getattr(backbone, look)(values, valid) for backbone in (half, exact))
        assert found.dtype == np.float32
        assert 0 < np.linalg.norm(found - expected) < 0.02 * np.linalg.norm(expected)


def test_half_precision_on_a_cpu_is_refused(tools):
    with pytest.raises(UnusableModel, match=r"graphics processors only.*Set the precision to 'float32'"):
        running.Runtime(tools.request_for(tools.scene(1), precision="half"))


def test_numbers_that_half_precision_does_not_hold_are_told(tools, halved):
    runtime = running.Runtime(tools.request_for(tools.scene(1), precision="half"))
    with pytest.raises(UnusableModel, match="does not hold this network's numbers"):
        runtime(lambda pixels, shown: pixels / 0, *nothing())


def raising(error):
    def fail(pixels, shown):
        raise error

    return fail


def test_memory_that_runs_out_is_told_as_such(request_):
    runtime = running.Runtime(request_)
    with pytest.raises(OutOfMemory, match="Use fewer tiles"):
        runtime(raising(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")), *nothing())
    with pytest.raises(RuntimeError, match="of another kind"):
        runtime(raising(RuntimeError("of another kind")), *nothing())
