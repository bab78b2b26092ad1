"""What is said of a run that teaches networks."""

from typing import List, Optional

from ...processing.base import duration
from ...processing.i18n import plural, tr
from ...processing.watching import DONE, STOPPED
from .state import Curve, Lesson

MOST_IN_VAIN = 20
"""Epochs without gain that are worth a word, once they are also half of all."""


def title(lesson: Lesson) -> str:
    """Of a run, in lists."""
    last = lesson.last
    return tr("{indicator}: {method}, {time}").format(
        indicator=last.indicator, method=tr(last.method), time=lesson.begun.strftime("%H:%M")
    )


def model_name(lesson: Lesson, test: str, model: int) -> str:
    """Of a model; its test is named where there are two."""
    name = tr("Model {number}").format(number=model)
    if len({key[0] for key in lesson.curves}) < 2:
        return name
    return f"{name} ({tr('random places') if test == 'random' else tr('squares')})"


def status(lesson: Lesson) -> str:
    """How far it is, on what, and how long it still takes; or how it ended."""
    last, facts = lesson.last, lesson.last.facts
    where = tr("{model} of {models}, epoch {epoch} of at most {epochs}").format(
        model=model_name(lesson, last.test, last.model), models=last.models, epoch=facts.epoch, epochs=facts.epochs
    )
    if lesson.ended == DONE:
        models = plural("%n model is taught.", "%n models are taught.", len(lesson.curves))
        told = tr("{models} This took {time} from the first epoch on, on {device}.")
        return told.format(models=models, time=duration(lesson.seconds), device=last.device)
    if lesson.ended == STOPPED:
        return tr("Stopped: {where}. What was finished is kept; run the same again to go on.").format(where=where)
    if lesson.ended:
        return tr("Ended with an error: {where}. The log of the run says why.").format(where=where)
    left = lesson.remaining_s
    time = tr("about {time} left").format(time=duration(left)) if left is not None else tr("time left not yet known")
    return " · ".join((where, last.device, time))


def warning(lesson: Lesson) -> str:
    """What one should know before waiting on; mostly empty."""
    facts, curve = lesson.last.facts, lesson.curves[lesson.now]
    if not facts.finite:
        text = tr("The loss of {model} is not a number any more: its learning ends there. Try a lower learning rate.")
        return text.format(model=model_name(lesson, *lesson.now))
    return _overfitting(lesson, curve)


def _overfitting(lesson: Lesson, curve: Curve) -> str:
    """Training that goes on falling while validation does not is no fault, since the best epoch is kept."""
    since = lesson.last.facts.epoch - curve.best_epoch
    if lesson.ended or not curve.validated or since < max(MOST_IN_VAIN, curve.best_epoch):
        return ""
    text = tr("{epochs} without a lower validation loss: more will hardly help. The best epoch is kept in any case.")
    return text.format(epochs=plural("%n epoch", "%n epochs", since))


def loss(value: Optional[float]) -> str:
    """Four digits; a dash where there is none."""
    if value is None or value != value:
        return "–"
    return f"{value:.4g}"


def row(lesson: Lesson, test: str, model: int) -> List[str]:
    """What the table says of a model: name, epoch, losses, the lowest and its epoch."""
    curve = lesson.curves[test, model]
    lowest = loss(curve.best)
    if curve.best is not None:
        lowest = tr("{loss} at {epoch}").format(loss=lowest, epoch=curve.best_epoch)
    last = [loss(curve.training[-1]), loss(curve.validation[-1]) if curve.validated else "–"]
    name = model_name(lesson, test, model)
    if len({key[0] for key in lesson.curves}) > 1:
        name = tr("{number}, random").format(number=model) if test == "random" else str(model)
    return [name, str(curve.epochs[-1]), *last, lowest]
