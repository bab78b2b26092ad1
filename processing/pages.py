"""Pages that come with Quadrat and open in a browser without network: behind the button 'Help' of an algorithm."""

import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "resources" / "tutorials"


def page_url(group_id: str) -> str:
    """Address of the tutorial of a group of algorithms; empty where there is none."""
    path = FOLDER / f"{group_id}.html"
    return path.as_uri() if path.is_file() else ""
