"""Numbers that torch's CPU generator draws, as goldens for src/tensor/torch-random.ts.

    python tools/oracle/torch_random.py test/golden/torch-random.json

`cuda` holds values that torch drew on CUDA devices, published in AUTOMATIC1111's rng_philox.py (MIT) and reproduced by
its recipe; they are written here because the oracle machine has no such device.
"""

import json
import sys

import torch


def draws(seed, calls):
    generator = torch.Generator().manual_seed(seed)
    out = []
    for kind, n in calls:
        values = torch.randn(n, generator=generator) if kind == "randn" else torch.rand(n, generator=generator)
        out.append({"kind": kind, "n": n, "values": values.tolist()})
    return {"seed": str(seed), "calls": out}


if __name__ == "__main__":
    torch.set_num_threads(1)
    result = {
        "made_by": "python tools/oracle/torch_random.py test/golden/torch-random.json",
        "torch": torch.__version__.split("+")[0],
        "cpu": [
            draws(0, [("randn", 16)]),
            draws(0, [("randn", 64)]),
            draws(3, [("randn", 37)]),
            draws(42, [("randn", 3), ("randn", 3), ("randn", 15), ("randn", 1)]),
            draws(42, [("randn", 5), ("randn", 16), ("randn", 2)]),
            draws(7, [("rand", 6), ("randn", 17), ("rand", 3)]),
            draws(2**32 + 5, [("randn", 16)]),
            draws(2**53 - 1, [("rand", 4)]),
        ],
        "cuda": [
            {
                "seed": "0",
                "values": [
                    -0.92466259, -0.42534415, -2.6438457, 0.14518388,
                    -0.12086647, -0.57972564, -0.62285122, -0.32838709,
                    -1.07454231, -0.36314407, -1.67105067, 2.26550497,
                ],
            }
        ],
    }
    with open(sys.argv[1], "w") as file:
        json.dump(result, file, indent=None)
        file.write("\n")
