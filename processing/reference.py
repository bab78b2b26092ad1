"""The reference page, written from the declared jobs. `make lint` fails when the page kept in resources/ is older."""

from typing import Any, List

from ..core.estimation.registry import ESTIMATORS
from ..core.heads.registry import HEADS
from ..core.jobs.declare import CHOICES, OUTPUTS, Job, Kind, Param
from ..core.jobs.registry import ALL
from ..core.metrics.registry import METRICS
from ..models.registry import BACKBONES

KIND_WORDS = {
    Kind.RASTER: "raster",
    Kind.VECTOR: "vector layer or table",
    Kind.LAYERS: "vector layers, in order",
    Kind.RASTERS: "rasters",
    Kind.FILE: "file",
    Kind.FILES: "files",
    Kind.FOLDER: "folder",
    Kind.BANDS: "band numbers, counted from 1",
    Kind.FIELD: "field name",
    Kind.FIELDS: "field names",
    Kind.INTEGER: "whole number",
    Kind.NUMBER: "number",
    Kind.FLAG: "yes or no",
    Kind.TEXT: "text",
    Kind.ROLES: "roles of bands",
    Kind.EXTENT: "xmin,xmax,ymin,ymax [CRS]",
    Kind.CRS: "coordinate system, as in EPSG:32723",
    Kind.RASTER_OUT: "raster to write",
    Kind.VECTOR_OUT: "layer or table to write",
    Kind.FILE_OUT: "file to write",
    Kind.FOLDER_OUT: "folder to write",
}


def reference_page() -> str:
    """Markdown: every job with its parameters, then backbones, heads, metrics and estimators."""
    lines = [
        "# Reference",
        "",
        "Written from the declarations in `core/jobs/` by `python -m quadrat reference`; do not edit by hand.",
        "In QGIS and Modeler parameters are written in capitals (`OVERLAP_PX`), in Python and JSON as below, "
        "on the command line with dashes (`--overlap-px`).",
        "",
    ]
    for job in ALL:
        lines += _job_lines(job)
    lines += _table("Backbones", ("name", "what it is", "licence", "source"), [
        (f"`{c.name}`", c.summary, c.licence, c.source) for c in BACKBONES.values()
    ])  # fmt: skip
    lines += _table("Heads", ("name", "for", "what it is"), [
        (f"`{c.name}`", ", ".join(c.targets), f"{c.title}. {c.summary}") for c in HEADS.values()
    ])  # fmt: skip
    lines += _table("Metrics", ("name", "for", "what it says"), [
        (f"`{c.name}`", c.target, f"{c.title}. {c.help}".strip()) for c in METRICS.values()
    ])  # fmt: skip
    lines += _table("Estimators", ("name", "needs", "what it is", "source"), [
        (f"`{c.name}`", c.needs, f"{c.title}. {c.summary}", c.source) for c in ESTIMATORS.values()
    ])  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def _job_lines(job: Any) -> List[str]:
    facts = job.facts
    rows = [_param_row(job, name, p) for name, p in job.params().items()]
    lines = [f"## {facts.title}", "", f"`quadrat:{facts.id}` in QGIS, `quadrat {facts.verb}` on the shell", ""]
    lines += [facts.summary, "", facts.help, ""] if facts.help else [facts.summary, ""]
    return lines + _rows(("parameter", "what it is", "default"), rows) + [""]


def _param_row(job: "type[Job]", name: str, p: Param) -> "tuple[str, str, str]":
    kind = " / ".join(f"`{c}`" for c in p.choices) if p.kind in CHOICES else KIND_WORDS[p.kind]
    limits = [f"at least {p.minimum:g}"] if p.minimum is not None else []
    limits += [f"at most {p.maximum:g}"] if p.maximum is not None and p.maximum < 1e6 else []
    marks = [p.unit, *limits, "advanced" if p.advanced else ""]
    facts = "; ".join([kind, *(m for m in marks if m)])
    default = job.defaults()[name]
    if p.required:
        shown = "must be given"
    elif p.kind in OUTPUTS:
        shown = "written" if p.by_default else "not written"
    elif default in ("", ()):
        shown = "empty"
    else:
        shown = f"`{'yes' if default else 'no'}`" if p.kind is Kind.FLAG else f"`{default}`"
    return f"`{name}`", f"**{p.label}** ({facts}). {p.help}".strip(), shown


def _table(title: str, heads: Any, rows: Any) -> List[str]:
    return [f"## {title}", "", *_rows(heads, rows), ""]


def _rows(heads: Any, rows: Any) -> List[str]:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
