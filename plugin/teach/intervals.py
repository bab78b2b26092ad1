"""Shares of classes with their intervals, as 'Estimate area' wrote them beside the map that was made of the lesson."""

import os
from pathlib import Path
from typing import Dict, Tuple

from ...processing.sources import SIDECAR
from ...processing.styles import read_facts

ESTIMATE = "estimatearea"


def shares_beside(map_path: str) -> Dict[str, Tuple[float, float]]:
    """(lower, upper) share by class name, from the newest report on this map; empty where there is none."""
    if not os.path.exists(map_path):
        return {}
    reports = [str(path)[: -len(SIDECAR)] for path in Path(map_path).parent.glob(f"*{SIDECAR}")]
    found = []
    for report in reports:
        facts, job = read_facts(report)
        same = os.path.abspath(str(job.get("map", ""))) == os.path.abspath(map_path)
        if job.get("job") == ESTIMATE and same and isinstance(facts.get("rows"), list):
            found.append((os.path.getmtime(report + SIDECAR), facts["rows"]))
    if not found:
        return {}
    rows = max(found, key=lambda one: one[0])[1]
    try:
        told = [row for row in rows if "low" in row and "high" in row]
        return {str(row["name"]): (float(row["low"]), float(row["high"])) for row in told}
    except (TypeError, ValueError, KeyError, OverflowError):  # changed by hand
        return {}
