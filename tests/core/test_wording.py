"""Numbers and what they count."""

from quadrat.core.wording import counted


def test_one_and_many():
    assert [counted(number, "photo") for number in (0, 1, 2400)] == ["0 photos", "1 photo", "2,400 photos"]
    assert [counted(number, "batch", "batches") for number in (1, 3)] == ["1 batch", "3 batches"]
