"""Golden outputs, gradients and a training trajectory of diffusers' UNet2DModel for tiny configurations.

    python tools/oracle/unet2d.py test/golden/unet2d [case ...]

Per configuration a folder as `save_pretrained` writes it, and beside the weights:
  oracle.json         inputs' meaning, the loss, its 20-step AdamW trajectory, the scale of every gradient
  oracle.safetensors  sample, timesteps, labels, target, output, and gradients as int16 in units of max / 32767

Outputs and gradients are computed in float64 from the stored weights (time embeddings in float32, as diffusers always
does); the trajectory is PyTorch's own float32.
"""
import json
import math
import sys
from pathlib import Path

import diffusers
import torch
from diffusers import UNet2DModel
from safetensors.torch import save_file

CASES = {
    # as google/ddpm-cifar10-32: sines first, shifted frequencies, far-side padding, one head of all channels
    "ddpm": {
        "config": dict(
            sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, norm_eps=1e-6,
            down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
            freq_shift=1, flip_sin_to_cos=False, downsample_padding=0, attention_head_dim=None,
        ),
        "size": (8, 8), "timesteps": torch.tensor([3, 970]),
    },
    # three resolutions, classes, scale and shift, several heads, two layers
    "class-attention": {
        "config": dict(
            sample_size=8, in_channels=1, out_channels=2, block_out_channels=(8, 8, 16), layers_per_block=2,
            norm_num_groups=4, down_block_types=("AttnDownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
            up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"), attention_head_dim=4,
            resnet_time_scale_shift="scale_shift", num_class_embeds=5,
        ),
        "size": (8, 8), "timesteps": torch.tensor([0.25, 500.5]), "labels": torch.tensor([4, 0]), "half": True,
    },
    # residual resampling of both kinds, mish, centred input, scaled middle block, few groups, a wide picture
    "resnet-resampling": {
        "config": dict(
            sample_size=(8, 12), in_channels=4, out_channels=3, block_out_channels=(6, 12, 12), layers_per_block=1,
            norm_num_groups=3, norm_eps=1e-4,
            down_block_types=("ResnetDownsampleBlock2D", "AttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"),
            downsample_type="resnet", upsample_type="resnet", attention_head_dim=6, act_fn="mish",
            center_input_sample=True, mid_block_scale_factor=math.sqrt(2), attn_norm_num_groups=6,
            time_embedding_dim=20, class_embed_type="timestep",
        ),
        "size": (8, 12), "timesteps": torch.tensor([999, 1]), "labels": torch.tensor([7.0, 120.0]), "half": True,
    },
    # no middle attention, gelu, identity class embedding, learned times
    "learned-time": {
        "config": dict(
            sample_size=8, block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=2,
            down_block_types=("AttnDownBlock2D", "ResnetDownsampleBlock2D"),
            up_block_types=("ResnetUpsampleBlock2D", "AttnUpBlock2D"), attention_head_dim=8, act_fn="gelu",
            add_attention=False, time_embedding_type="learned", num_train_timesteps=10, class_embed_type="identity",
        ),
        "size": (8, 8), "timesteps": torch.tensor([9, 2]), "labels": torch.linspace(-1, 1, 64).reshape(2, 32),
    },
    # as google/ncsnpp-celebahq-256: Fourier noise levels, skip blocks, groups chosen by the blocks, one head
    "ncsnpp": {
        "config": dict(
            sample_size=8, block_out_channels=(8, 32), layers_per_block=1, norm_num_groups=None, norm_eps=1e-6,
            down_block_types=("SkipDownBlock2D", "AttnSkipDownBlock2D"),
            up_block_types=("SkipUpBlock2D", "SkipUpBlock2D"), attention_head_dim=None, time_embedding_dim=16,
            time_embedding_type="fourier", mid_block_scale_factor=math.sqrt(2),
        ),
        "size": (8, 8), "timesteps": torch.tensor([0.3, 4.0]), "half": True,
    },
    # the other skip block, whose attention needs 32 channels: one resolution keeps it small
    "ncsnpp-attention": {
        "config": dict(
            sample_size=4, block_out_channels=(32,), layers_per_block=1, norm_num_groups=4, attention_head_dim=8,
            down_block_types=("AttnSkipDownBlock2D",), up_block_types=("AttnSkipUpBlock2D",), time_embedding_dim=8,
            mid_block_type=None, flip_sin_to_cos=False,
        ),
        "size": (4, 4), "timesteps": torch.tensor([30.0, 400.0]), "half": True,
    },
    # what diffusers builds though its documentation does not say so: a single channel (whose time embedding is 0), no
    # type of resampling, other names of the middle block and of class embeddings, 0 for "by default", and numbers unread
    "unsaid": {
        "config": dict(
            sample_size=4, block_out_channels=(1, 4), layers_per_block=1, norm_num_groups=1, norm_eps=0.0,
            down_block_types=("AttnDownBlock2D", "DownBlock2D"), up_block_types=("UNetResAttnUpBlock2D", "UpBlock2D"),
            downsample_type=None, upsample_type="", mid_block_type="UNetMidBlock2DCrossAttn", mid_block_scale_factor=-1.5,
            attention_head_dim=1, time_embedding_dim=0, class_embed_type="projection", num_class_embeds=3, dropout=1.0,
            num_train_timesteps=0, act_fn="ReLU",
        ),
        "size": (4, 6), "timesteps": torch.tensor([7, 450]),
    },
    # no residual block on the way down, one on the way up, and settings that nothing reads
    "no-layers": {
        "config": dict(
            sample_size=4, block_out_channels=(4, 4), layers_per_block=0, norm_num_groups=2, attention_head_dim=0,
            down_block_types=("DownBlock2D", "ResnetDownsampleBlock2D"), up_block_types=("ResnetUpsampleBlock2D", "UpBlock2D"),
            downsample_type="unread", upsample_type="unread", add_attention=False, attn_norm_num_groups=-1,
            class_embed_type="identity", num_class_embeds=0, time_embedding_dim=5,
        ),
        "size": (4, 4), "timesteps": torch.tensor([3, 970]), "labels": torch.arange(10).reshape(2, 5),
    },
}
STEPS = 20
ADAMW = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2)


def perturb(model: UNet2DModel) -> None:
    """Moves norms and biases away from 0 and 1, where mistakes would not show."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "norm" in name:
                parameter.add_(0.2 * torch.randn_like(parameter))


def doubled(model: UNet2DModel) -> UNet2DModel:
    """The same network in float64, its time embeddings in float32 as diffusers always has them."""
    exact = UNet2DModel.from_config(model.config)
    exact.load_state_dict(model.state_dict())
    exact.double().train(model.training)
    if model.config.time_embedding_type == "fourier":
        exact.time_proj.float()
    if model.config.class_embed_type == "timestep":
        exact.class_embedding.register_forward_pre_hook(lambda _, inputs: (inputs[0].double(),))
    return exact


def make(name: str, case: dict, folder: Path) -> None:
    torch.manual_seed(sum(map(ord, name)))
    model = UNet2DModel(**case["config"])
    perturb(model)
    model.eval()
    half = case.get("half", False)
    if half:
        model.half()
    model.save_pretrained(folder, variant="fp16" if half else None)
    model.float()

    config = case["config"]
    batch, times, labels = 2, case["timesteps"], case.get("labels")
    sample = torch.randn(batch, config.get("in_channels", 3), *case["size"])
    target = torch.randn(batch, config.get("out_channels", 3), *case["size"])

    def loss_of(net: UNet2DModel, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        classes = labels.to(dtype) if labels is not None and config.get("class_embed_type") == "identity" else labels
        output = net(sample.to(dtype), times, classes).sample
        return ((output - target.to(dtype)) ** 2).mean(), output

    loss, output = loss_of(exact := doubled(model), torch.float64)
    loss.backward()

    tensors = {"sample": sample, "timesteps": times, "target": target, "output": output.detach().float()}
    if labels is not None:
        tensors["labels"] = labels
    scales = {}
    for key, parameter in exact.named_parameters():
        if not parameter.requires_grad:
            continue
        scale = parameter.grad.abs().max().item()
        scales[key] = scale
        tensors[f"gradient.{key}"] = (parameter.grad / max(scale, 1e-300) * 32767).round().to(torch.int16)
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, folder / "oracle.safetensors")

    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], **ADAMW)
    losses = []
    model.train()
    for _ in range(STEPS):
        optimizer.zero_grad()
        value, _ = loss_of(model, torch.float32)
        losses.append(value.item())
        value.backward()
        optimizer.step()
    about = {
        "command": f"python tools/oracle/unet2d.py test/golden/unet2d  (torch {torch.__version__.split('+')[0]}, diffusers {diffusers.__version__})",
        "loss": loss.item(),
        "adamw": ADAMW,
        "losses": losses,
        "gradientScales": scales,
    }
    (folder / "oracle.json").write_text(json.dumps(about, indent=1) + "\n")
    count = sum(p.numel() for p in model.parameters())
    print(f"{name}: {count} parameters, losses {losses[0]:.4f} -> {losses[-1]:.4f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for case_name in sys.argv[2:] or CASES:
        make(case_name, CASES[case_name], Path(sys.argv[1]) / case_name)
