"""diffusers' side of the fuzz of schedulers: runs one configuration on the toy network and tells all it saw.

    INKWASH_PYTHON=venv/bin/python npm run fuzz:schedulers        # drives this file; versions: tools/oracle/requirements.txt
"""

import contextlib
import logging
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import diffusers  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from scheduler_loops import LOOPS, stepwise  # noqa: E402
from schedulers import SHAPE, base64_of, network  # noqa: E402
from serve import serve  # noqa: E402


@contextlib.contextmanager
def float64():
    """diffusers with float64 wherever its sources say float32: what it would give without rounding. Noise stays the same."""
    single, randn, np_single, to_float = torch.float32, torch.randn, np.float32, torch.Tensor.float
    try:
        torch.float32, np.float32, torch.Tensor.float = torch.float64, np.float64, torch.Tensor.double
        torch.randn = lambda *shape, **options: randn(*shape, **{**options, "dtype": single}).to(torch.float64)
        torch.set_default_dtype(torch.float64)
        yield
    finally:
        torch.float32, torch.randn, np.float32, torch.Tensor.float = single, randn, np_single, to_float
        torch.set_default_dtype(single)


def exact_root(spec, config):
    """Whether torch rounds the root that makes the noisiest level correctly, which varies by machine; None without such levels."""
    if spec["cls"] in LOOPS:
        return None
    alphas = getattr(getattr(diffusers, spec["cls"])(**config), "alphas_cumprod", None)
    if alphas is None:
        return None
    squares = (1 - alphas) / alphas
    return bool((squares**0.5)[-1].item() == np.sqrt(squares.numpy())[-1].item())


def run(spec):
    calls = []

    def watched(x, t):
        # in float64 a truncated time could be another: the network is told that of float32
        calls.append(spec["exact"][len(calls)] if "exact" in spec else float(t))
        return network(x, calls[-1])

    config = {key: -float("inf") if value == "-inf" else value for key, value in spec["config"].items()}
    with float64() if "exact" in spec else contextlib.nullcontext(), torch.no_grad():
        start = torch.randn(SHAPE, generator=torch.Generator().manual_seed(7))
        _, first, states, arrays = LOOPS.get(spec["cls"], stepwise)({**spec, "config": config}, start, watched)
    return {
        "calls": calls,
        "start": base64_of(first),
        "states": [base64_of(x) for x in states],
        "exactRoot": exact_root(spec, config),
        "stepwise": spec["cls"] not in LOOPS,
        "arrays": {name: base64_of(array) for name, array in arrays.items()},
    }


if __name__ == "__main__":
    diffusers.logging.set_verbosity_error()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    serve(run)
