"""Where the icons lie."""

import os

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "resources", "icons")


def icon_path(name: str) -> str:
    """Path of the icon of that name."""
    return os.path.join(FOLDER, f"{name}.svg")
