"""The CATAMI classification: a tree of biota, substrates and relief with CAAB codes, as its annotation site stores it.

JSON, a list of records `{pk, model, fields: {caab_code, cpc_code, point_colour, code_name, description, parent}}`;
`parent` is the `pk` of another record. The short CPCe code becomes the code, the CAAB code the ID. Where all are
grey, as published, branches get colours.

Source: Althaus et al. 2015, doi:10.1371/journal.pone.0141039 (CC BY); github catami/catami e3ba30a, projects/fixtures.
"""

from pathlib import Path
from typing import Any

from ...errors import BadInput
from ..branchcolours import branch_colours
from .jsontext import load_list
from .labelsets import HEX, Fact, finished
from .shape import Problems, Read, tree_of

GREY = "#8f8f8f"
"""Of every record of the published tree, so it tells nothing."""


def read(path: str | Path) -> Read:
    """Read the tree. Lines of problems are places in the list, counted from 1.

    Raises:
        BadInput: not such a file, or no tree.
    """
    records = load_list(path, "CATAMI tree")
    fields: dict[str, dict[str, Any]] = {}
    for number, record in enumerate(records, 1):
        facts = record.get("fields") if isinstance(record, dict) else None
        if not isinstance(facts, dict) or not isinstance(facts.get("cpc_code"), str) or "pk" not in record:
            raise BadInput(f"{path} is no CATAMI tree: record {number} has no `pk` or no `fields` with a `cpc_code`.")
        fields[str(record["pk"])] = facts
    labels: list[Fact] = []
    for number, (key, facts) in enumerate(fields.items(), 1):
        parent = facts.get("parent")
        if parent is not None and str(parent) not in fields:
            raise BadInput(
                f"Record {key} of {path}, '{facts['cpc_code']}', has the parent {parent}, which is no record."
            )
        above = fields[str(parent)]["cpc_code"] if parent is not None else ""
        colour = HEX.match(str(facts.get("point_colour", "")))
        labels.append((number, facts["cpc_code"], str(facts.get("code_name", "")), above,
                       f"#{colour[1].lower()}" if colour else "", str(facts.get("caab_code", ""))))  # fmt: skip
    read = finished(labels, path, Problems())
    if set(read.labels["colour"]) <= {"", GREY}:
        colours = branch_colours(tree_of(read.labels))
        read.labels["colour"] = [colours[code] for code in read.labels["code"]]
    return read
