"""A real process that speaks the wire of the live loop and learns nothing: for what goes wrong on the way.

The embedding is a JSON file: what it is like, and how long each method takes. All requests are written to `asked.jsonl`
in the folder of answers, one a line, with what became of them.
"""

import json
import os
import pathlib
import queue
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import conftest  # noqa: E402, F401 - makes `quadrat` importable

sys.path.remove(str(ROOT))
from quadrat.core import protocol  # noqa: E402
from quadrat.core.errors import BadInput, Cancelled, QuadratError, Stale  # noqa: E402
from quadrat.core.live.messages import Cloud, Known, Opened, Painted, Places, Scored, Taught  # noqa: E402


class Pupil:
    """Answers with what it was asked."""

    def __init__(self, say):
        self.say, self.labels, self.classes, self.count, self.facts = say, {}, [], 0, {}

    def open(self, params, stopped):
        path = pathlib.Path(params["embedding"])
        if not path.exists():
            raise BadInput(f"There is no embedding {path}.")
        self.path, self.text, self.folder, self.labels, self.classes = path, path.read_text(), params["folder"], {}, []
        self.facts = json.loads(self.text)
        os.makedirs(self.folder, exist_ok=True)
        self.say(0.5, "half open")
        self.wait("open", stopped)
        grid = {k: self.facts[k] for k in ("transform", "crs", "height", "width")}
        return Opened(dimensions=8, space="test", signed=True, coded=True, **grid)

    def teach(self, params, stopped):
        if params["clear"]:
            self.labels = {}
        for number in params["removed"]:
            self.labels.pop(number, None)
        self.labels.update({label["id"]: label for label in params["changed"]})
        self.classes = params["classes"]
        self.wait("teach", stopped)
        return Taught(len(self.labels), len(self.labels))

    def view(self, params, stopped):
        self.wait("settle" if params["settle"] else "view", stopped)
        self.count += 1
        height, width = -(-params["height"] // params["step"]), -(-params["width"] // params["step"])
        turn = self.count % self.facts.get("files", 1000)
        path = os.path.join(self.folder, f"{os.getpid()}_{turn}.bin")
        shown = params["row"] if self.facts.get("rows") else len(self.labels)
        pathlib.Path(path).write_bytes(bytes([shown]) * (height * width) + bytes([255]) * (height * width))
        return Painted(
            path, params["row"], params["col"], height, width, params["step"], self.count, params["settle"]
        )  # fmt: skip

    def at(self, params, stopped):
        self.wait("at", stopped)
        return Known(params["row"], params["col"], True, (1.0,))

    def next(self, params, stopped):
        self.wait("next", stopped)
        return Places(({"row": 1, "col": 2, "guess": "a", "probability": 0.5, "reason": "test"},))

    def score(self, params, stopped):
        self.wait("score", stopped)
        return Scored(len(self.labels), len(self.labels), "accuracy", 0.5)

    def scatter(self, params, stopped):
        self.wait("scatter", stopped)
        return Cloud((0.0,), (0.0,), (0,), (0,), ("",), ("",))

    def close(self, params, stopped):
        self.labels = {}

    def check(self, method):
        """Notices, when it is asked to, that the embedding was replaced."""
        if method not in ("open", "close") and self.facts.get("stale") and self.path.read_text() != self.text:
            raise Stale("The embedding was replaced.")

    def wait(self, method, stopped):
        """As long as the embedding says; a negative time means to die then."""
        seconds = self.facts.get("seconds", {}).get(method, 0)
        end = time.monotonic() + abs(seconds)
        while time.monotonic() < end:
            if stopped():
                raise Cancelled("stopped")
            time.sleep(0.005)
        if seconds < 0:
            os.abort()
        if method in self.facts.get("refuse", []):
            raise BadInput(f"I refuse to {method}.")


def answer(pupil, message, stopped):
    params = message["params"]
    method = message["method"].rpartition("/")[2]
    shown = {**params, "changed": [{**label, "wkb": ""} for label in params.get("changed", ())]}
    line = {"method": method, "params": shown, "pid": os.getpid()}
    try:
        pupil.check(method)
        done = getattr(pupil, method)(params, stopped)
        return protocol.response(message["id"], done.to_dict() if done is not None else {})
    except QuadratError as error:
        line["became"] = type(error).__name__
        return protocol.failure(message["id"], error.code, error.message, "the detail")
    finally:
        if hasattr(pupil, "folder"):
            with open(os.path.join(pupil.folder, "asked.jsonl"), "a") as file:
                file.write(json.dumps(line) + "\n")


def main():
    wire_out, wire_in = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    requests, cancelled = queue.Queue(), set()

    def send(message):
        wire_out.write(protocol.encode(message))
        wire_out.flush()

    def read():
        for message in protocol.read_messages(wire_in):
            if message["method"] == protocol.CANCEL:
                cancelled.add(message["params"]["id"])
            elif message["method"] == protocol.INITIALIZE:
                send(protocol.response(message["id"], {"protocol": protocol.PROTOCOL_VERSION}))
            else:
                requests.put(message)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    current = None

    def say(fraction, text):
        facts = {"id": current["id"], "fraction": fraction, "remaining_s": None, "text": text}
        send(protocol.notification(protocol.PROGRESS, facts))

    pupil = Pupil(say)
    while True:
        current = requests.get()
        number = current["id"]
        send(answer(pupil, current, lambda number=number: number in cancelled))


if __name__ == "__main__":
    main()
