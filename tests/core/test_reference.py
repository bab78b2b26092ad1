from pathlib import Path

from quadrat.core.jobs.registry import ALL
from quadrat.processing.reference import reference_page

PAGE = Path(__file__).resolve().parents[2] / "resources" / "reference.md"


def test_the_page_is_that_of_the_declarations():
    kept = PAGE.read_text(encoding="utf-8")
    assert kept == reference_page(), "run: python -m quadrat reference > resources/reference.md"


def test_every_parameter_has_its_row():
    page = reference_page()
    for job in ALL:
        for name in job.params():
            assert f"| `{name}` |" in page
