"""Trajectories of torch.optim.Muon for the tests of src/training/optimizers/muon.ts.

python tools/oracle/muon.py > test/golden/optimizers/muon.json

torch orthogonalises in bfloat16; here the same function runs in float32, so that the comparison can be tight.
"""

import json

import torch
from torch.optim import _muon

torch.manual_seed(0)
_muon.torch = torch  # the function below replaces the one that casts to bfloat16


def orthogonalize(grad, ns_coefficients, ns_steps, eps):
    a, b, c = ns_coefficients
    x = grad.T if grad.size(0) > grad.size(1) else grad
    x = x / x.norm().clamp(min=eps)
    for _ in range(ns_steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if grad.size(0) > grad.size(1) else x


_muon._zeropower_via_newtonschulz = orthogonalize

cases = []
for shape in ([6, 10], [10, 6], [8, 8]):
    start = torch.randn(shape)
    parameter = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.Muon(
        [parameter], lr=0.02, weight_decay=0.1, momentum=0.95, nesterov=True, ns_steps=5, adjust_lr_fn="match_rms_adamw"
    )
    gradients, after = [], []
    for _ in range(4):
        gradient = torch.randn(shape)
        parameter.grad = gradient.clone()
        optimizer.step()
        gradients.append(gradient.flatten().tolist())
        after.append(parameter.detach().flatten().tolist())
    cases.append({"shape": shape, "start": start.flatten().tolist(), "gradients": gradients, "after": after})
print(json.dumps({"torch": torch.__version__.split("+")[0], "cases": cases}))
