"""PyTorch as a peer: diffusers' UNet2DModel, AdamW, on the CPU.

    python pytorch.py eager|channels_last|compile|bf16

`bf16` is channels-last under autocast, on processors that have instructions for it.
"""

import contextlib
import sys

from serve_peer import serve

CONV_STRIDES = [1, 1, 2, 1, 2, 1]
CONV_CHANNELS = [64, 64, 64, 128, 128, 128, 128]


class Works:
    """Makes works ready, as one variant of PyTorch does them."""

    def __init__(self, variant):
        import torch

        self.torch = torch
        self.compiled = variant == "compile"
        self.bf16 = variant == "bf16"
        # compiled code plans its own layouts
        channels_last = variant in ("channels_last", "bf16")
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        if self.bf16 and not has_bf16(torch):
            raise RuntimeError("this processor has no bf16 instructions")

    def prepare(self, work):
        self.torch.manual_seed(0)
        if self.compiled:
            from torch._inductor import config

            # lets inductor reorder constant weights once, as inkwash's frozen programs do
            config.freezing = work["kind"] in ("sample", "convs-forward")
        make = {"train": self.train, "sample": self.sample}.get(work["kind"], self.convolutions)
        return make(work)

    def normal(self, *shape):
        return self.torch.randn(*shape).to(memory_format=self.layout)

    def unet(self, work):
        from diffusers import UNet2DModel

        return UNet2DModel(**work["network"]).to(memory_format=self.layout)

    def compile(self, function):
        return self.torch.compile(function) if self.compiled else function

    def autocast(self):
        return self.torch.autocast("cpu", self.torch.bfloat16) if self.bf16 else contextlib.nullcontext()

    def without_gradients(self):
        # compiled code may bake the weights in only where no gradient is possible
        return self.torch.no_grad() if self.compiled else self.torch.inference_mode()

    def train(self, work):
        torch = self.torch
        model = self.unet(work).train()
        parameters = list(model.parameters())
        averages = [p.detach().clone() for p in parameters] if work["emaDecay"] is not None else []
        o = work["optimizer"]
        optimizer = torch.optim.AdamW(
            parameters, lr=o["learningRate"], betas=tuple(o["betas"]), weight_decay=o["weightDecay"], fused=True
        )
        forward = self.compile(model)
        shape = [work["batch"], *work["shape"]]
        x, y, t = self.normal(*shape), self.normal(*shape), torch.full((work["batch"],), 500)

        def step():
            with self.autocast():
                predicted = forward(x, t, return_dict=False)[0]
            loss = torch.nn.functional.mse_loss(predicted.float(), y)
            loss.backward()
            if work["clip"] is not None:
                torch.nn.utils.clip_grad_norm_(parameters, work["clip"], foreach=True)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if averages:
                torch._foreach_lerp_(averages, [p.detach() for p in parameters], 1 - work["emaDecay"])
            return loss.item()

        return step

    def sample(self, work):
        forward = self.compile(self.unet(work).eval())
        x, t = self.normal(work["batch"], *work["shape"]), self.torch.full((work["batch"],), 500)

        def step():
            with self.without_gradients(), self.autocast():
                return forward(x, t, return_dict=False)[0].flatten()[0].item()

        return step

    def convolutions(self, work):
        torch, functional = self.torch, self.torch.nn.functional
        kernels = [
            torch.nn.Parameter((torch.randn(o, i, 3, 3) / (9 * i) ** 0.5).to(memory_format=self.layout))
            for i, o in zip(CONV_CHANNELS, CONV_CHANNELS[1:])
        ]
        x0 = self.normal(work["batch"], *work["shape"])

        def chain(x):
            for kernel, stride in zip(kernels, CONV_STRIDES):
                x = functional.silu(functional.conv2d(x, kernel, stride=stride, padding=1))
            return x

        forward = self.compile(chain)

        def step():
            if work["kind"] == "convs-forward":
                with self.without_gradients(), self.autocast():
                    return forward(x0).flatten()[0].item()
            with self.autocast():
                y = forward(x0)
            gradients = torch.autograd.grad(y.float().square().mean(), kernels)
            return gradients[0].flatten()[0].item()

        return step


def has_bf16(torch):
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "avx10_1", "bf16"))


def main():
    variant = sys.argv[1]
    serve(f"PyTorch {{}} {variant}", ["torch", "diffusers"], lambda work: Works(variant).prepare(work))


if __name__ == "__main__":
    main()
