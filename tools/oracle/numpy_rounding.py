"""Numbers of numpy.arange and of numpy.log in float32, for src/diffusion/gaussian/grids/numpy.ts.

    python tools/oracle/numpy_rounding.py test/golden/schedulers/numpy.json

On x86 with AVX2 or later: elsewhere numpy.log may round otherwise. Versions: tools/oracle/requirements.txt.
"""

import json
import sys

import numpy as np

STEPS = (7, 48, 96, 112, 333)


def logs():
    x = np.exp(np.random.default_rng(0).uniform(-6, 10, 4000)).astype(np.float32)
    powers = np.float32(2) ** np.arange(-6, 12)
    x = np.concatenate([x, powers, np.nextafter(powers, np.float32(0)), np.nextafter(powers, np.float32(1e9))]).astype(np.float32)
    log = np.log(x)
    # mostly those that are not the nearest float32
    odd = log != np.log(x.astype(np.float64)).astype(np.float32)
    keep = np.concatenate([np.flatnonzero(odd)[:60], np.arange(4000, len(x))])
    return [[float(a), float(b)] for a, b in zip(x[keep], log[keep])]


if __name__ == "__main__":
    result = {
        "made_by": "python tools/oracle/numpy_rounding.py test/golden/schedulers/numpy.json",
        "numpy": np.__version__,
        "trailing": {str(n): (np.arange(1000, 0, -1000 / n).round() - 1).astype(int).tolist() for n in STEPS},
        "logs": logs(),
    }
    with open(sys.argv[1], "w") as file:
        json.dump(result, file)
        file.write("\n")
