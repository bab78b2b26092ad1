"""How many places to label, and how they are shared out."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.estimation.samplesize import allocate, more_labels, size_for_half_width


class TestSize:
    @given(st.integers(2, 2000), st.integers(2, 80), st.lists(st.floats(0.001, 1), min_size=1, max_size=9))
    def test_allocation_holds_its_promises(self, size, minimum, raw):
        W = np.array(raw) / sum(raw)
        counts = np.floor(1 + 1e5 * W)
        n, more = allocate(size, W, counts, minimum), allocate(size + 37, W, counts, minimum)
        assert (n >= np.minimum(minimum, counts)).all()
        assert (n <= counts).all()
        assert (more >= n).all()  # a larger sample holds the smaller one
        least = np.minimum(minimum, counts).sum()
        assert n.sum() == max(least, min(size, counts.sum()))

    def test_size_reaches_the_half_width_and_no_more_than_needed(self):
        W, counts = np.array([0.7, 0.25, 0.05]), np.array([7e5, 2.5e5, 5e4])

        def half(size):
            n = allocate(size, W, counts, 30)
            return 1.959964 * np.sqrt((W**2 * (1 - n / counts) * 0.16 / (n - 1)).sum())

        size = size_for_half_width(W, counts, 0.8, 0.03, 30, 20_000)
        assert half(size) <= 0.03 < half(size - 2)

    @given(st.integers(10, 1000), st.floats(0.001, 0.3), st.floats(0.001, 0.3), st.sampled_from([np.inf, 5000.0]))
    def test_further_labels(self, n, half, wanted, population):
        more = more_labels(n, population, half, wanted)
        if half <= wanted:
            assert more == 0
            return
        v = half**2 / (1 / n - 1 / population)
        assert np.sqrt(v * (1 / (n + more) - 1 / population)) <= wanted * (1 + 1e-9)
        if more > 1:
            assert np.sqrt(v * (1 / (n + more - 1) - 1 / population)) > wanted * (1 - 1e-9)
