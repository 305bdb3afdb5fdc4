"""A Python peer's side of the conversation: the JSON lines of serve-peer.ts."""

import json
import os
import time
from importlib.metadata import version


def serve(title, packages, prepare):
    """Answers questions until stdin ends. `prepare(work)` returns a function that does the work once; it imports what it needs."""
    # stdin and stdout are for the conversation alone: no library, nor a process that one starts, finds them
    questions = os.fdopen(os.dup(0))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)

    def answer(**message):
        answers.write(json.dumps(message) + "\n")

    # throws where a package is missing, before anything slow
    versions = [version(name) for name in packages]
    answer(title=title.format(versions[0]))
    step = None
    for line in questions:
        request = json.loads(line)
        answer()
        try:
            if request["type"] == "prepare":
                step = prepare(request["work"])
                answer()
            else:
                began = time.perf_counter()
                step()
                answer(ms=(time.perf_counter() - began) * 1000)
        except Exception as error:  # the parent reports it and goes on without this peer
            answer(error=f"{type(error).__name__}: {error}".split("\n")[0])
