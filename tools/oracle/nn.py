"""Golden outputs of PyTorch's and diffusers' layers.

    python tools/oracle/nn.py test/golden/nn

layers.safetensors holds, per case, `case.input.i`, `case.weights.<key>` and `case.output`, computed in float64;
layers.json the command.
"""
import json
import sys
from pathlib import Path

import diffusers
import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.embeddings import GaussianFourierProjection, TimestepEmbedding, Timesteps
from safetensors.torch import save_file
from torch import nn

X = lambda *shape: torch.randn(*shape)

CASES = {
    "linear": lambda: (nn.Linear(5, 3), [X(2, 4, 5)]),
    "linear-no-bias": lambda: (nn.Linear(5, 3, bias=False), [X(2, 5)]),
    "conv1d": lambda: (nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2), [X(2, 4, 9)]),
    "conv2d": lambda: (nn.Conv2d(3, 4, (3, 2), stride=(1, 2), padding=(2, 1)), [X(2, 3, 5, 6)]),
    "conv-transpose2d": lambda: (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), [X(2, 4, 3, 5)]),
    "group-norm": lambda: (nn.GroupNorm(2, 6, eps=1e-3), [3 + 2 * X(2, 6, 3, 2)]),
    "layer-norm": lambda: (nn.LayerNorm((3, 4)), [1 + X(2, 3, 4)]),
    "layer-norm-plain": lambda: (nn.LayerNorm(4, eps=1e-2, elementwise_affine=False), [X(2, 3, 4)]),
    "rms-norm": lambda: (nn.RMSNorm(6, eps=1e-6), [X(2, 3, 6)]),
    "embedding": lambda: (nn.Embedding(7, 3), [torch.tensor([[0, 6], [3, 3]])]),
    "mish": lambda: (nn.Mish(), [10 * X(2, 9)]),
    "gelu": lambda: (nn.GELU(), [3 * X(2, 9)]),
    "silu": lambda: (nn.SiLU(), [10 * X(2, 9)]),
    "timesteps": lambda: (Timesteps(8, False, 1), [torch.tensor([0, 1, 500, 999])]),
    "timesteps-flipped": lambda: (Timesteps(7, True, 0, scale=3), [torch.tensor([0.5, 123.25])]),
    "timestep-embedding": lambda: (TimestepEmbedding(4, 6), [X(2, 4)]),
    "fourier": lambda: (GaussianFourierProjection(4, scale=0.5), [torch.tensor([0.1, 1.0, 7.0])]),
    "fourier-flipped": lambda: (GaussianFourierProjection(3, log=False, flip_sin_to_cos=True), [torch.tensor([0.1, 2.0])]),
    "self-attention": lambda: (Attention(6, heads=2, dim_head=3, bias=True), [X(2, 5, 6)]),
    "cross-attention": lambda: (Attention(6, cross_attention_dim=4, heads=3, dim_head=5), [X(2, 5, 6), X(2, 3, 4)]),
}


def main(folder: Path) -> None:
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, build in CASES.items():
        module, inputs = build()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        tensors |= {f"{name}.input.{i}": value for i, value in enumerate(inputs)}
        tensors |= {f"{name}.weights.{key}": value.clone() for key, value in module.state_dict().items()}
        exact = [value.double() if value.is_floating_point() else value for value in inputs]
        tensors[f"{name}.output"] = module.double()(*exact).detach()
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, folder / "layers.safetensors")
    command = f"python tools/oracle/nn.py test/golden/nn  (torch {torch.__version__.split('+')[0]}, diffusers {diffusers.__version__})"
    (folder / "layers.json").write_text(json.dumps({"command": command, "cases": list(CASES)}, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
