"""Every user setting, declared once with name, default and meaning. Only those that something reads."""

from dataclasses import dataclass
from typing import Any

from qgis.core import QgsSettings

PREFIX = "quadrat"


@dataclass(frozen=True)
class Setting:
    """One entry of the profile, under `quadrat/`."""

    name: str
    default: Any
    """Its type is the type of the setting."""
    meaning: str

    def get(self) -> Any:
        """The value, of the type of the default."""
        return QgsSettings().value(f"{PREFIX}/{self.name}", self.default, type(self.default))

    def set(self, value: Any) -> None:
        """Keep a value in the profile."""
        QgsSettings().setValue(f"{PREFIX}/{self.name}", value)


NOTICE_SHOWN = Setting(
    "engine_notice_shown", "", "Version for which the user was told that the engine needs setting up."
)
ENGINE_SIZE = Setting("engine_size", "light", "Engine chosen last in the engine window: light or full.")
OWN_PYTHON = Setting("own_python", "", "Python that the engine is made from; empty: found or downloaded.")
LEARNING_OPENS = Setting("learning_opens", True, "The window 'Learning curve' opens when a network begins to learn.")
LEARNING_LOG = Setting("learning_log", False, "Its axis of losses is logarithmic.")
LEARNING_PLACE = Setting("learning_place", "", "Where it was, as Qt writes it.")
WHEELS_FOLDER = Setting("wheels_folder", "", "Folder of wheels to install from without network; empty: the network.")
