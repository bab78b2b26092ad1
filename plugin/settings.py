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
PHOTO_PATCH = Setting("photo_patch_px", 224, "Side of the frame around the current point of a photo, px; 0: none.")
PHOTO_COLOURS = Setting("photo_colours", "state", "What colours of points on photos tell: state or label.")
PHOTO_TEXTS = Setting("photo_texts", "labels", "What stands beside points on photos: labels, numbers or none.")
PHOTO_MAGNIFIER = Setting("photo_magnifier", True, "The pixels around the current point are shown enlarged.")
PHOTO_MAGNIFIED = Setting("photo_magnified", 4, "How much they are enlarged.")
PHOTO_OVERVIEW = Setting("photo_overview", True, "All of the photo is shown small while a part of it is seen.")
PHOTO_WHITE = Setting("photo_white", "taken", "White balance of photos as they are seen: taken or auto.")
