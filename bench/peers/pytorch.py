"""PyTorch as a peer: diffusers' UNet2DModel, AdamW, on the CPU. Speaks the JSON lines of serve-peer.ts.

    python pytorch.py eager|channels_last|compile
"""

import gc
import json
import os
import sys
import time

# stdout is for answers alone
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

VARIANT = sys.argv[1]
COMPILED = VARIANT == "compile"
# compiled code plans its own layouts
LAYOUT = torch.channels_last if VARIANT == "channels_last" else torch.contiguous_format

CONV_STRIDES = [1, 1, 2, 1, 2, 1]
CONV_CHANNELS = [64, 64, 64, 128, 128, 128, 128]


def normal(*shape):
    return torch.randn(*shape).to(memory_format=LAYOUT)


def unet(work):
    from diffusers import UNet2DModel

    return UNet2DModel(**work["network"]).to(memory_format=LAYOUT)


def train(work):
    model = unet(work).train()
    parameters = list(model.parameters())
    averages = [p.detach().clone() for p in parameters]
    o = work["optimizer"]
    optimizer = torch.optim.AdamW(
        parameters, lr=o["learningRate"], betas=tuple(o["betas"]), weight_decay=o["weightDecay"], fused=True
    )
    forward = torch.compile(model) if COMPILED else model
    shape = [work["batch"], *work["shape"]]
    x, y, t = normal(*shape), normal(*shape), torch.full((work["batch"],), 500)

    def step():
        loss = F.mse_loss(forward(x, t, return_dict=False)[0], y)
        loss.backward()
        if work["clip"] is not None:
            torch.nn.utils.clip_grad_norm_(parameters, work["clip"], foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if work["emaDecay"] is not None:
            torch._foreach_lerp_(averages, [p.detach() for p in parameters], 1 - work["emaDecay"])
        return loss.item()

    return step


def sample(work):
    model = unet(work).eval()
    forward = torch.compile(model) if COMPILED else model
    x, t = normal(work["batch"], *work["shape"]), torch.full((work["batch"],), 500)

    def step():
        # compiled code may bake the weights in only where no gradient is possible
        with torch.no_grad() if COMPILED else torch.inference_mode():
            return forward(x, t, return_dict=False)[0].flatten()[0].item()

    return step


def convolutions(work):
    with_gradient = work["kind"] == "convs-gradient"
    kernels = [
        torch.nn.Parameter((torch.randn(o, i, 3, 3) / (9 * i) ** 0.5).to(memory_format=LAYOUT))
        for i, o in zip(CONV_CHANNELS, CONV_CHANNELS[1:])
    ]
    x0 = normal(work["batch"], *work["shape"])

    def chain(x):
        for kernel, stride in zip(kernels, CONV_STRIDES):
            x = F.silu(F.conv2d(x, kernel, stride=stride, padding=1))
        return x

    forward = torch.compile(chain) if COMPILED else chain

    def step():
        if not with_gradient:
            with torch.no_grad() if COMPILED else torch.inference_mode():
                return forward(x0).flatten()[0].item()
        gradients = torch.autograd.grad(forward(x0).square().mean(), kernels)
        return gradients[0].flatten()[0].item()

    return step


def prepare(work):
    torch.manual_seed(0)
    if COMPILED:
        from torch._inductor import config

        # lets inductor reorder constant weights once, as inkwash's frozen programs do
        config.freezing = work["kind"] in ("sample", "convs-forward")
    make = {"train": train, "sample": sample}.get(work["kind"], convolutions)
    return make(work)


def answer(**message):
    answers.write(json.dumps(message) + "\n")


def main():
    answer(title=f"PyTorch {torch.__version__} {VARIANT}")
    step = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["type"] == "prepare":
                step = prepare(request["work"])
                answer()
            elif request["type"] == "run":
                began = time.perf_counter()
                step()
                answer(ms=(time.perf_counter() - began) * 1000)
            else:
                step = None
                if COMPILED:
                    torch._dynamo.reset()
                gc.collect()
                answer()
        except Exception as error:  # the parent reports it and goes on without this peer
            answer(error=f"{type(error).__name__}: {error}".split("\n")[0])


main()
