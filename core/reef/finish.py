"""The end of every job that changes a survey: what is told, and the sidecar with the steps that made it."""

from collections.abc import Mapping
from typing import Any

from ..jobs.declare import Job
from ..progress import Progress
from ..sidecar import read_sidecar, write_sidecar


def finish(job: Job, output: str, facts: dict[str, Any], inputs: Mapping[str, str], progress: Progress) -> None:
    """Tell warnings and sentences, and write the sidecar; `facts.steps` goes on with what the survey went through.

    Args:
        job: that ended.
        output: the survey; also where the job has none and changed the one that it got.
        facts: with `warnings` and `sentences`; gets `steps`.
        inputs: files that decided the result, without the survey where that is the result too.
        progress: takes the sentences.

    Raises:
        Unwritable: the sidecar cannot be written.
    """
    for note in facts["warnings"]:
        progress.warning(note)
    for sentence in facts["sentences"]:
        progress.info(sentence)
    before = read_sidecar(inputs.get("survey", output).partition("|")[0])
    steps = before["facts"].get("steps") if before and ("survey" in inputs or not getattr(job, "output", "")) else None
    facts["steps"] = [*(steps or []), {"job": job.to_dict(), "sentences": facts["sentences"]}]
    write_sidecar(output, job, facts, inputs=inputs)
