"""diffusers' side of the fuzz of networks: builds one UNet2DModel, saves it, and tells its output and all gradients.

    INKWASH_PYTHON=venv/bin/python npm run fuzz:networks        # drives this file; versions: tools/oracle/requirements.txt

Weights and tensors go through the folder INKWASH_FUZZ_FOLDER: `unet/` as diffusers saves it, `answer.safetensors` with
the inputs, and outputs and gradients in float32 and float64.
"""

import logging
import os
import pathlib
import shutil
import sys

import diffusers
import torch
from diffusers import UNet2DModel
from diffusers.training_utils import EMAModel
from safetensors.torch import load_file, save_file
from serve import serve

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from unet2d import doubled, perturb  # noqa: E402

FOLDER = pathlib.Path(os.environ["INKWASH_FUZZ_FOLDER"])


def labels_of(model, kind, batch):
    """Class labels as the network takes them; None where it takes none."""
    if kind is None:
        return None
    if kind == "identity":
        width = model.config.time_embedding_dim or 4 * model.config.block_out_channels[0]
        return torch.randn(batch, width)
    if kind == "timestep":
        return times_of(model, "small", batch)
    return torch.randint(0, model.config.num_class_embeds, (batch,))


def times_of(model, kind, batch):
    rows = model.config.num_train_timesteps if model.config.time_embedding_type == "learned" else 1000
    rows = min(rows, 8) if kind == "small" else rows
    whole = torch.randint(0, rows, (batch,))
    if model.config.time_embedding_type == "fourier":
        whole = whole + 1
    return whole * 0.73 if kind == "float" else whole


def save(model, how):
    """Saves as diffusers' users do; half precision changes the weights, so the model computes with what was saved."""
    if how == "ema":
        average = EMAModel(model.parameters(), decay=0.99, model_cls=UNet2DModel, model_config=model.config)
        average.save_pretrained(FOLDER / "unet")
        return
    if how == "half":
        model.half()
    model.save_pretrained(
        FOLDER / "unet",
        variant="fp16" if how == "half" else None,
        max_shard_size="8KB" if how == "sharded" else "10GB",
    )
    model.float()


def compare_written(spec):
    """What diffusers makes of a folder that inkwash wrote, beside what it wrote itself."""
    asked = load_file(FOLDER / "answer.safetensors")
    model = UNet2DModel.from_pretrained(spec["load"], subfolder="unet")
    labels = asked.get("labels")
    output = model(asked["sample"], asked["timesteps"], labels).sample
    far = ((output - asked["output"]).abs().max() / asked["output"].abs().max()).item()
    return {"finite": True, "far": far}


def run(spec):
    if spec.get("load"):
        return compare_written(spec)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    torch.manual_seed(spec["seed"])
    model = UNet2DModel(**spec["config"])
    perturb(model)
    model.eval()
    batch, height, width = spec["shape"]
    sample = torch.randn(batch, model.config.in_channels, height, width)
    times, labels = times_of(model, spec["times"], batch), labels_of(model, spec["labels"], batch)
    save(model, spec["save"])
    tensors = {"sample": sample, "timesteps": times}
    if labels is not None:
        tensors["labels"] = labels
    torch.manual_seed(spec["seed"])
    for name, net in (("", model), ("exact.", doubled(model))):
        dtype = next(net.parameters()).dtype
        classes, at = labels, times
        if model.config.time_embedding_type == "fourier":  # its angles are hundreds of radians
            net.time_proj.to(dtype)
            at = times.to(dtype)
            classes = labels.to(dtype) if spec["labels"] == "timestep" else labels
        if spec["labels"] == "identity":
            classes = labels.to(dtype)
        output = net(sample.to(dtype), at, classes).sample
        if "direction" not in tensors:
            tensors["direction"] = torch.randn(output.shape)
        (output * tensors["direction"].to(dtype)).sum().backward()
        tensors[f"{name}output"] = output.detach()
        for key, parameter in net.named_parameters():
            if parameter.requires_grad:
                gradient = parameter.grad
                tensors[f"{name}gradient.{key}"] = torch.zeros_like(parameter) if gradient is None else gradient
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, FOLDER / "answer.safetensors")
    return {"finite": all(bool(tensor.isfinite().all()) for tensor in tensors.values())}


if __name__ == "__main__":
    diffusers.logging.set_verbosity_error()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    serve(run)
