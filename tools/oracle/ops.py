"""Golden values and gradients of ops, by PyTorch in float64.

    python tools/oracle/ops.py test/golden/ops

One JSON file per family: a list of cases, each with the op, its options, inputs that float32 holds exactly, the outputs,
a cotangent per output, and the gradient of sum(output * cotangent) for every float input.
"""
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

generator = torch.Generator().manual_seed(0)


def rand(*shape, low=-2.0, high=2.0):
    """Sixteenths between low and high: short to write, exact in float32."""
    u = torch.rand(shape, generator=generator, dtype=torch.float64)
    return torch.round((low + u * (high - low)) * 16) / 16


def listed(tensor):
    values = [x if isinstance(x, (int, bool)) else float(f"{x:.12g}") for x in tensor.flatten().tolist()]
    return {"shape": list(tensor.shape), "data": values}


def case(name, op, inputs, run, **options):
    inputs = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    outputs = run(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    cotangents = [rand(*y.shape) for y in outputs]
    torch.autograd.backward(list(outputs), cotangents)
    return {
        "name": name,
        "op": op,
        "options": options,
        "inputs": [listed(x.detach()) for x in inputs],
        "outputs": [listed(y.detach()) for y in outputs],
        "cotangents": [listed(c) for c in cotangents],
        "gradients": [listed(x.grad) if x.grad is not None else None for x in inputs],
    }


def pad_pairs(padding):
    """[[top, bottom], [left, right]] as F.pad wants it: the last axis first."""
    return [amount for pair in reversed(padding) for amount in pair]


def conv_cases():
    settings = [
        ("3×3, padding 1", (2, 3, 5, 4), (4, 3, 3, 3), dict(padding=1)),
        ("stride 2", (1, 2, 6, 5), (3, 2, 3, 3), dict(stride=2, padding=1)),
        ("stride and dilation by axis", (1, 2, 7, 8), (2, 2, 3, 2), dict(stride=(2, 1), dilation=(1, 3), padding=(0, 2))),
        ("two groups", (2, 4, 4, 4), (6, 2, 3, 3), dict(groups=2, padding=1)),
        ("depthwise, stride 2", (1, 3, 5, 5), (3, 1, 3, 3), dict(groups=3, stride=2, padding=1)),
        ("pointwise", (2, 3, 3, 3), (5, 3, 1, 1), dict()),
        ("one dimension", (2, 3, 9), (4, 3, 3), dict(stride=2, padding=2, dilation=2)),
    ]
    cases = []
    for name, x, w, options in settings:
        function = F.conv1d if len(x) == 3 else F.conv2d
        cases.append(case(name, "conv", [rand(*x), rand(*w), rand(w[0])], lambda x, w, b: function(x, w, b, **options), **options))
    padding = [[0, 1], [2, 0]]
    cases.append(case("padding that differs on every side", "conv", [rand(1, 2, 5, 4), rand(3, 2, 3, 3), rand(3)],
                      lambda x, w, b: F.conv2d(F.pad(x, pad_pairs(padding)), w, b, stride=2), stride=2, padding=padding))
    return cases


def conv_transpose_cases():
    settings = [
        ("3×3, padding 1", (2, 3, 4, 3), (3, 2, 3, 3), dict(padding=1)),
        ("stride 2 doubles the size", (1, 2, 3, 4), (2, 3, 4, 4), dict(stride=2, padding=1)),
        ("output padding", (1, 2, 3, 3), (2, 2, 3, 3), dict(stride=2, padding=1, output_padding=1)),
        ("two groups", (1, 4, 3, 3), (4, 3, 3, 2), dict(groups=2)),
        ("dilation", (1, 2, 3, 3), (2, 2, 3, 2), dict(dilation=2, padding=1)),
        ("one dimension", (2, 2, 5), (2, 3, 4), dict(stride=3, padding=1)),
    ]
    cases = []
    for name, x, w, options in settings:
        function = F.conv_transpose1d if len(x) == 3 else F.conv_transpose2d
        bias = w[1] * options.get("groups", 1)
        named = {("outputPadding" if key == "output_padding" else key): value for key, value in options.items()}
        cases.append(case(name, "convTranspose", [rand(*x), rand(*w), rand(bias)], lambda x, w, b: function(x, w, b, **options), **named))
    return cases


def pool_cases():
    settings = [
        ("tiles", (2, 2, 4, 6), dict(kernel=2)),
        ("overlapping, padded", (1, 2, 5, 6), dict(kernel=3, stride=2, padding=1)),
        ("pixels left over", (1, 2, 5, 5), dict(kernel=2)),
        ("an oblong window", (1, 1, 5, 6), dict(kernel=(3, 2), stride=(1, 2), padding=(1, 0))),
        ("one dimension", (2, 2, 7), dict(kernel=3, stride=2, padding=1)),
    ]
    cases = []
    for name, x, options in settings:
        arguments = dict(kernel_size=options["kernel"], stride=options.get("stride"), padding=options.get("padding", 0))
        one = len(x) == 3
        # distinct values: where the largest is not unique, frameworks differ
        distinct = (torch.randperm(torch.Size(x).numel(), generator=generator).double() / 8 - 3).reshape(x)
        largest = F.max_pool1d if one else F.max_pool2d
        mean = F.avg_pool1d if one else F.avg_pool2d
        cases.append(case(name, "maxPool", [distinct], lambda x: largest(x, **arguments), **options))
        for count in (True, False):
            cases.append(case(name + ("" if count else ", padding not counted"), "avgPool", [rand(*x)],
                              lambda x: mean(x, **arguments, count_include_pad=count), **options, countPadding=count))
    return cases


def resize_cases():
    cases = []
    for x, size in [((1, 2, 3, 4), (6, 8)), ((1, 2, 4, 4), (2, 2)), ((1, 1, 5, 3), (3, 7)), ((1, 1, 3, 5), (7, 2)), ((1, 2, 4), (7,))]:
        linear = "linear" if len(x) == 3 else "bilinear"
        cases.append(case(f"nearest {x} to {size}", "resize", [rand(*x)], lambda x: F.interpolate(x, size), size=size, mode="nearest"))
        for align in (False, True):
            cases.append(case(f"bilinear {x} to {size}" + (", corners aligned" if align else ""), "resize", [rand(*x)],
                              lambda x: F.interpolate(x, size, mode=linear, align_corners=align),
                              size=size, mode="bilinear", alignCorners=align))
    return cases


def normalization_cases():
    return [
        case("4 channels in 2 groups", "groupNorm", [rand(2, 4, 3, 3), rand(4), rand(4)],
             lambda x, g, b: F.group_norm(x, 2, g, b, 1e-5), groups=2, epsilon=1e-5),
        case("3 channels in 3 groups", "groupNorm", [rand(2, 3, 5), rand(3), rand(3)],
             lambda x, g, b: F.group_norm(x, 3, g, b, 1e-3), groups=3, epsilon=1e-3),
        case("the last axis", "layerNorm", [rand(2, 3, 5), rand(5), rand(5)],
             lambda x, g, b: F.layer_norm(x, (5,), g, b), axis=-1, epsilon=1e-5),
        case("the last two axes", "layerNorm", [rand(2, 3, 4), rand(3, 4), rand(3, 4)],
             lambda x, g, b: F.layer_norm(x, (3, 4), g, b, 1e-3), axis=-2, epsilon=1e-3),
        case("the last axis", "rmsNorm", [rand(2, 3, 4), rand(4)], lambda x, g: F.rms_norm(x, (4,), g, 1e-6), axis=-1, epsilon=1e-6),
        case("cross-attention", "attention", [rand(2, 3, 4), rand(2, 5, 4), rand(2, 5, 6)], F.scaled_dot_product_attention),
        case("heads and a scale", "attention", [rand(2, 2, 3, 4), rand(2, 2, 3, 4), rand(2, 2, 3, 4)],
             lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.25), scale=0.25),
    ]


def elementwise_cases():
    wide = lambda: rand(4, 6, low=-6, high=6)
    functions = {
        "gelu": (F.gelu, {}), "geluTanh": (lambda x: F.gelu(x, approximate="tanh"), {}), "softplus": (F.softplus, {}),
        "silu": (F.silu, {}), "sigmoid": (torch.sigmoid, {}), "tanh": (torch.tanh, {}), "erf": (torch.erf, {}),
        "softmax": (lambda x: x.softmax(-1), {}), "logSoftmax": (lambda x: x.log_softmax(-1), {}),
    }
    cases = [case("[4, 6]", name, [wide()], function, **options) for name, (function, options) in functions.items()]
    cases += [
        case("remainders take the divisor's sign", "mod", [rand(3, 4, low=-5, high=5), torch.tensor([1.5, -2.0, 3.25, -0.75]).double()], torch.remainder),
        case("broadcast", "pow", [rand(3, 4, low=0.5, high=3), rand(4)], torch.pow),
        case("rows with no, one and two zeros", "prod", [torch.tensor([[1, 2, 3], [0, 2, 3], [0, 0, 3]]).double()], lambda x: x.prod(1)),
        case("axis 1", "cumSum", [rand(2, 4)], lambda x: x.cumsum(1)),
        case("largest three", "topK", [(torch.randperm(10, generator=generator).double() / 4).reshape(2, 5)], lambda x: x.topk(3).values, k=3, largest=True),
        case("smallest two", "topK", [(torch.randperm(10, generator=generator).double() / 4).reshape(2, 5)], lambda x: x.topk(2, largest=False).values, k=2, largest=False),
        case("rows of a table", "gather", [rand(5, 3), torch.tensor([[4, 0], [0, 2]])], lambda x, i: F.embedding(i, x)),
    ]
    return cases


def write(folder, name, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (folder / f"{name}.json").write_text(text.replace('{"name"', '\n{"name"') + "\n")


folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
write(folder, "conv", conv_cases())
write(folder, "conv-transpose", conv_transpose_cases())
write(folder, "pool", pool_cases())
write(folder, "resize", resize_cases())
write(folder, "normalization", normalization_cases())
write(folder, "elementwise", elementwise_cases())
# which source pixel nearest resizing reads, for every pair of extents up to 20
write(folder, "nearest", {
    f"{source}→{target}": F.interpolate(torch.arange(source).double()[None, None], target)[0, 0].int().tolist()
    for source in range(1, 21) for target in range(1, 21)
})
