"""How a person wishes to annotate: name, alone or with others, order, what is shown; kept in the profile."""

import os
from typing import Any, Dict, List

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QObject

from ..settings import Setting
from .sheet import IN_ORDER, ORDERS

ANNOTATOR = Setting("reef_annotator", "", "Who annotates photos; empty: the name of the computer's user.")
APART = Setting("reef_apart", False, "Annotate apart from others: neither see nor count their labels.")
BLIND = Setting("reef_blind", False, "Suggestions are hidden while photos are annotated.")
FLOWS = Setting("reef_flows", False, "Go on to the next photo by itself when all points are done.")
ORDER = Setting("reef_order", IN_ORDER, "Order of the points of a photo.")
MIXED = Setting("reef_mixed", False, "Photos come in a random order, so that those that are done speak for all.")
TREE = Setting("reef_tree", True, "Labels are shown as a tree; else as a list.")
RECENT = Setting("reef_recent", [], "Surveys that were annotated, the last first.")
MOST_RECENT = 8


class Wishes(QObject):
    """The half of `ReefState` that is kept in the profile. Setting a value shows at once."""

    changed: Any
    suggested: Any
    labels_changed: Any

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._annotator = ANNOTATOR.get() or QgsApplication.userFullName() or QgsApplication.userLoginName()
        self._apart, self._blind, self._flows, self._mixed = APART.get(), BLIND.get(), FLOWS.get(), MIXED.get()
        order = ORDER.get()
        self._order = order if order in ORDERS else IN_ORDER
        self._tree = TREE.get()

    @property
    def annotator(self) -> str:
        """Whose labels are written."""
        return self._annotator

    @annotator.setter
    def annotator(self, name: str) -> None:
        name = name.strip()
        if name and name != self._annotator:
            self._annotator = name
            ANNOTATOR.set(name)
            self.reload()

    @property
    def apart(self) -> bool:
        """True: labels of others are neither seen nor counted, as two annotators are to be compared."""
        return self._apart

    @apart.setter
    def apart(self, apart: bool) -> None:
        if apart != self._apart:
            self._apart = apart
            APART.set(apart)
            self.reload()

    @property
    def blind(self) -> bool:
        """True: suggestions are hidden, and cannot be taken."""
        return self._blind

    @blind.setter
    def blind(self, blind: bool) -> None:
        self._blind = blind
        BLIND.set(blind)
        self.suggested.emit()
        self.changed.emit()

    @property
    def flows(self) -> bool:
        """True: the next photo comes by itself when all points of one are done."""
        return self._flows

    @flows.setter
    def flows(self, flows: bool) -> None:
        self._flows = flows
        FLOWS.set(flows)
        self.changed.emit()

    @property
    def mixed(self) -> bool:
        """True: photos come in a random order, the same for everybody."""
        return self._mixed

    @mixed.setter
    def mixed(self, mixed: bool) -> None:
        if mixed != self._mixed:
            self._mixed = mixed
            MIXED.set(mixed)
            self.reload()

    @property
    def order(self) -> str:
        """`sheet.IN_ORDER` or `sheet.UNSURE`."""
        return self._order

    @order.setter
    def order(self, order: str) -> None:
        self._order = order
        ORDER.set(order)
        self.changed.emit()

    @property
    def tree(self) -> bool:
        """True: labels are shown as a tree."""
        return self._tree

    @tree.setter
    def tree(self, tree: bool) -> None:
        self._tree = tree
        TREE.set(tree)
        self.labels_changed.emit()

    def recent_surveys(self) -> List[str]:
        """Paths that are still there, the last first."""
        return [path for path in RECENT.get() or [] if os.path.isfile(path)]

    def annotators(self) -> List[str]:
        """Names in the survey, and the one that annotates now."""
        survey = self.survey
        names: Dict[str, None] = dict.fromkeys([self._annotator] if self._annotator else [])
        names.update(dict.fromkeys(name for name in (survey.annotators() if survey is not None else []) if name))
        return list(names)

    def reload(self) -> None:
        """Read everything again."""
        raise NotImplementedError

    @property
    def survey(self) -> Any:
        """The open one."""
        raise NotImplementedError

    def _remember(self, path: str) -> None:
        known = [one for one in RECENT.get() or [] if one != path]
        RECENT.set([path, *known][:MOST_RECENT])
