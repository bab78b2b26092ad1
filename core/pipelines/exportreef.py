"""Export photo survey: a survey in; files of CoralNet, CPCe and CoralNet-Toolbox out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from ..atomic import check_apart, check_folder
from ..errors import BadInput, BadJob, Unwritable
from ..jobs.declare import Result
from ..jobs.reef.leaving import ANNOTATOR, BOTH, CODE, CORALNET, DONE, ID, LEGACY, SUGGESTIONS, ExportReef
from ..layersource import parse_source
from ..progress import Progress
from ..reef.asking import names_in
from ..reef.formats import coralnet, cpce, cpcecodes, labelsets, toolbox
from ..reef.formats.shape import RANKS, tree_of
from ..reef.leaving import Leaving, beyond, leave, titles
from ..reef.photofacts import named
from ..reef.schema import MACHINE
from ..reef.survey import Survey
from ..sidecar import read_sidecar, write_sidecar
from ..wording import counted

HEADINGS = {CODE: "code", ID: "id", BOTH: "both", LEGACY: "legacy"}
"""How the writer calls what the job asks for."""


def run(job: ExportReef, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: no survey, nothing to write, or a file that cannot be written.
    """
    outputs, inputs = job.outputs(), {"survey": job.survey}
    check_apart(outputs, inputs)
    for path in outputs.values():
        check_folder(str(Path(path) / "1.cpc") if path == job.cpce and Path(path).is_dir() else path)
    if job.cpce:
        _check_cpce(job.cpce)
    with Survey(parse_source(job.survey).path) as survey:
        leaving = leave(
            survey,
            annotators=names_in(job.annotators),
            states=job.states,
            done=job.photos == DONE,
            sites=names_in(job.sites),
            bare_names=job.bare_names,
            columns=job.fields,
        )
    progress.checkpoint(0.4)
    warnings = [*leaving.notes, *_beyond(leaving)]
    params = job.params()
    for number, name in enumerate(outputs):
        progress.checkpoint(0.4 + 0.6 * number / len(outputs), f"Writing {params[name].label}")
        warnings += [f"{params[name].label}: {sentence}" for sentence in WRITERS[name](leaving, job)]
    facts = _facts(leaving, warnings)
    for note in warnings:
        progress.warning(note)
    for sentence in facts["sentences"]:
        progress.info(sentence)
    for name, path in outputs.items():
        write_sidecar(path, job, {"result": params[name].result, **facts}, inputs=inputs)
    return Result(job.facts.id, outputs, facts)


def _check_cpce(folder: str) -> None:
    """Refuse a folder with .cpc files that no export wrote: they may be the only ones with somebody's labels."""
    if Path(folder).is_file():
        raise Unwritable(f"{folder} is a file; a folder is needed for the .cpc files.")
    made = read_sidecar(folder)
    if made is None and any(Path(folder).rglob("*.cpc")):
        raise BadJob(f"{folder} holds .cpc files already. Choose another folder, so that they are not written over.")


def _beyond(leaving: Leaving) -> list[str]:
    names = beyond(leaving.rows, leaving.photos)
    return [f"Points beyond the edge of their photo, which programs refuse or leave out, on {named(names)}. Are these "
            "the photos that were annotated?"] if names else []  # fmt: skip


def _facts(leaving: Leaving, warnings: list[str]) -> dict[str, Any]:
    rows = leaving.rows
    labelled = int((rows["label"] != "").sum())
    machine = int((rows["state"] == MACHINE).sum())
    sentence = f"{counted(len(rows), 'point')} of {counted(len(leaving.photos), 'photo')}; {labelled:,} with a label"
    sentence += f", {machine:,} of these by a machine." if machine else "."
    return {
        "points": len(rows), "photos": len(leaving.photos), "labelled": labelled, "by_machine": machine,
        "labels": len(leaving.labels), "warnings": warnings, "sentences": [sentence],
    }  # fmt: skip


# Files ------------------------------------------------------------------------------------------------------------


def _wanted(leaving: Leaving, job: ExportReef) -> pd.DataFrame:
    """Points that tables get."""
    rows = leaving.rows if job.unlabelled else leaving.rows[leaving.rows["label"] != ""]
    if rows.empty:
        raise BadInput("None of these points has a label that was asked for. Choose other labels, or points without a "
                       "label too.")  # fmt: skip
    return rows


def _write_coralnet(leaving: Leaving, job: ExportReef) -> list[str]:
    rows, told = _wanted(leaving, job), []
    if job.label in (ID, BOTH):
        told += _without_id(rows, job.label == ID)
    if (rows["state"] == MACHINE).any():
        told.append("CoralNet takes labels of a machine as confirmed, too.")
    further = [f"{what}_{rank}" for rank in range(1, RANKS + 1) for what in ("suggestion", "confidence")]
    dropped = ["state", *(further if SUGGESTIONS not in job.columns else [])]
    dropped += ["annotator", "date"] if ANNOTATOR not in job.columns else []
    rows = rows.assign(date=coralnet.times(rows["date"])).drop(columns=dropped)
    photos = titles(leaving.photos, job.fields) if job.fields else None
    told += coralnet.write(job.coralnet, rows, photos, label=HEADINGS[job.label], unlabelled=job.unlabelled)
    return told


def _without_id(rows: pd.DataFrame, alone: bool) -> list[str]:
    """Labels that have no number of CoralNet."""
    lacking = rows.loc[(rows["label"] != "") & (rows["label_id"] == ""), "label"]
    if lacking.empty:
        return []
    if alone and (rows["label_id"] == "").all():
        raise BadInput("No label of the survey has an ID of CoralNet. Add the label set of the source with 'Import "
                       "photo survey', or write codes.")  # fmt: skip
    what = "Their points leave without a label" if alone else "Their codes alone are written"
    codes = named([str(code) for code in lacking.unique()])
    return [f"Labels without an ID of CoralNet: {codes}. {what} ({len(lacking):,})."]


def _write_cpce(leaving: Leaving, job: ExportReef) -> list[str]:
    told = cpce.write(
        job.cpce, leaving.rows, leaving.photos, code_path=job.code_file, image_folder=job.photo_folder, notes=job.notes
    )
    fresh = (
        leaving.photos
        if "cpc_text" not in leaving.photos
        else leaving.photos[leaving.photos["cpc_text"].fillna("") == ""]
    )
    lacking = [job.params()[name].label for name in ("code_file", "photo_folder") if not getattr(job, name)]
    if len(fresh) and lacking:
        told.append(f"New .cpc files lack what CPCe looks for on its computer: {' and '.join(lacking)}.")
    written = {Path(job.cpce, cpce.file_name(photo)) for photo in leaving.photos.to_dict("records")}
    others = [path.relative_to(job.cpce).as_posix() for path in sorted(Path(job.cpce).rglob("*.cpc"))
              if path not in written]  # fmt: skip
    if others:
        told.append(f"The folder holds .cpc files of an earlier export, too: {named(others)}.")
    return told


def _write_codes(leaving: Leaving, job: ExportReef) -> list[str]:
    return cpcecodes.write(job.cpce_codes, tree_of(leaving.labels))


def _write_toolbox(leaving: Leaving, job: ExportReef) -> list[str]:
    columns = [name for name in dict.fromkeys(job.fields) if name != "path"]
    photos = titles(leaving.photos, ["path", *columns])
    return toolbox.write(job.toolbox, _wanted(leaving, job), photos, leaving.labels, patch_size_px=job.patch_px)


def _write_labels(leaving: Leaving, job: ExportReef) -> list[str]:
    return toolbox.write_labels(job.toolbox_labels, leaving.labels)


def _write_labelset(leaving: Leaving, job: ExportReef) -> list[str]:
    return labelsets.write(job.labelset, leaving.labels, coralnet=job.labelset_as == CORALNET)


WRITERS: dict[str, Callable[[Leaving, ExportReef], list[str]]] = {
    "coralnet": _write_coralnet, "cpce": _write_cpce, "cpce_codes": _write_codes, "toolbox": _write_toolbox,
    "toolbox_labels": _write_labels, "labelset": _write_labelset,
}  # fmt: skip
"""By output of the job: writes it, and returns what must be told."""
