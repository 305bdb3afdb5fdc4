"""Golden files of the Python safetensors and NumPy writers, and a check that Python reads inkwash's own files.

    python tools/oracle/safetensors_golden.py make test/golden/formats
    python tools/oracle/safetensors_golden.py check FILE.safetensors   # a file written by inkwash of the same tensors
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, safe_open, save_file


def tensors() -> dict[str, torch.Tensor]:
    """One tensor per dtype, with extremes, a scalar, an empty one and an odd byte count."""
    return {
        "f64": torch.tensor([[1.5, -2.25], [1e300, 5e-324]], dtype=torch.float64),
        "f32": torch.tensor([0.1, -0.0, 3.4028234663852886e38, 1e-45], dtype=torch.float32),
        "f16": torch.tensor([0.1, 65504.0, 6e-8, -2.0], dtype=torch.float16),
        "bf16": torch.tensor([0.1, -3.0e38, 1.0, 2.0**-130], dtype=torch.bfloat16),
        "i64": torch.tensor([-(2**62), 7], dtype=torch.int64),
        "i32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
        "i16": torch.tensor([-(2**15), 2**15 - 1, 3], dtype=torch.int16),
        "i8": torch.tensor([-128, 127, 1], dtype=torch.int8),
        "u8": torch.tensor([0, 255, 9], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
    }


METADATA = {"format": "pt", "note": "snowman \u2603 and \"quotes\""}


def values(tensor: torch.Tensor) -> list:
    """Exact values; int64 as text, because JSON numbers are doubles."""
    flat = tensor.reshape(-1)
    if tensor.dtype == torch.int64:
        return [str(v) for v in flat.tolist()]
    if tensor.dtype == torch.bool:
        return [int(v) for v in flat.tolist()]
    return flat.to(torch.float64).tolist() if tensor.is_floating_point() else flat.tolist()


def make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors(), folder / "all-dtypes.safetensors", metadata=METADATA)
    listing = {name: {"shape": list(t.shape), "values": values(t)} for name, t in tensors().items()}
    made_with = f"python tools/oracle/safetensors_golden.py make test/golden/formats  (torch {torch.__version__}, numpy {np.__version__})"
    (folder / "all-dtypes.json").write_text(
        json.dumps({"command": made_with, "metadata": METADATA, "tensors": listing}, indent=1) + "\n"
    )
    grid = np.arange(6, dtype=np.float32).reshape(2, 3) / 4
    np.save(folder / "f4.npy", grid)
    np.save(folder / "f8-fortran.npy", np.asfortranarray(np.arange(24, dtype=np.float64).reshape(2, 3, 4)))
    np.save(folder / "f2.npy", grid.astype(np.float16))
    np.save(folder / "i4.npy", np.array([-5, 2**31 - 1], dtype=np.int32))
    np.save(folder / "i8-scalar.npy", np.array(-(2**60), dtype=np.int64))
    np.save(folder / "u1.npy", np.array([0, 255], dtype=np.uint8))
    np.save(folder / "b1.npy", np.array([[True], [False]]))
    with open(folder / "f4-v2.npy", "wb") as file:
        np.lib.format.write_array(file, grid, version=(2, 0))


def check(path: Path) -> None:
    expected, loaded = tensors(), load_file(path)
    assert loaded.keys() == expected.keys(), (sorted(loaded), sorted(expected))
    for name, tensor in expected.items():
        got = loaded[name]
        assert got.dtype == tensor.dtype and got.shape == tensor.shape, (name, got.dtype, got.shape)
        raw = [t.reshape(-1).contiguous().view(torch.uint8) if t.dtype != torch.bool else t for t in (got, tensor)]
        assert torch.equal(raw[0].reshape(-1), raw[1].reshape(-1)), (name, got, tensor)
    with safe_open(path, "pt") as file:
        assert file.metadata() == METADATA, file.metadata()
    print(f"{path}: {len(expected)} tensors equal, metadata equal")


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](Path(sys.argv[2]))
