"""The Python side of a fuzz: one configuration a line on stdin, what the original makes of it a line on stdout."""

import json
import math
import sys
import warnings


def serve(run):
    """Answers until stdin ends. `run` takes and returns what JSON can hold; what it raises is told by its first line."""
    warnings.filterwarnings("ignore")
    out, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    for line in sys.stdin:
        try:
            answer = {"value": run(json.loads(line))}
        except Exception as error:  # noqa: BLE001: a refusal of the original is an answer too
            text = str(error).strip().split("\n")[0]
            answer = {"error": f"{type(error).__name__}: {text}"[:160]}
        out.write(json.dumps(finite(answer)) + "\n")
        out.flush()


def finite(value):
    """JSON has no infinities and no NaN: null stands for them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value
