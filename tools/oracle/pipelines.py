"""A small diffusers pipeline in half precision and shards, and the pictures diffusers makes with it.

Run from the repository's root with the packages of tools/oracle/requirements.txt:

    python tools/oracle/pipelines.py write    makes test/golden/pipelines (committed)
    python tools/oracle/pipelines.py check FOLDER    samples a model folder that inkwash wrote, prints the pictures as JSON

The pictures start from torch.Generator('cpu').manual_seed(seed), one generator per picture.
"""

import json
import pathlib
import sys

import torch
from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler, DPMSolverMultistepScheduler, UNet2DModel, UniPCMultistepScheduler

FOLDER = pathlib.Path("test/golden/pipelines")
STEPS = 5
SEEDS = [7, 8]

SOLVERS = {
    "DDPMScheduler": DDPMScheduler,
    "DDIMScheduler": DDIMScheduler,
    "DPMSolverMultistepScheduler": DPMSolverMultistepScheduler,
    "UniPCMultistepScheduler": UniPCMultistepScheduler,
}


def sample(unet, scheduler):
    """The loop of DDPMPipeline, without its conversion to pictures: [N, C, H, W]."""
    generators = [torch.Generator("cpu").manual_seed(seed) for seed in SEEDS]
    size = unet.config.sample_size
    shape = (1, unet.config.in_channels, size, size)
    image = torch.cat([torch.randn(shape, generator=g) for g in generators])
    scheduler.set_timesteps(STEPS)
    image = image * scheduler.init_noise_sigma
    stochastic = isinstance(scheduler, DDPMScheduler)
    for t in scheduler.timesteps:
        with torch.no_grad():
            output = unet(scheduler.scale_model_input(image, t), t).sample
        if stochastic:
            # one generator per picture draws its own noise
            steps = [scheduler.step(output[i : i + 1], t, image[i : i + 1], generator=g).prev_sample for i, g in enumerate(generators)]
            image = torch.cat(steps)
        else:
            image = scheduler.step(output, t, image).prev_sample
    return image.clamp(-1, 1)


def all_samples(unet, config):
    return {name: [round(v, 6) for v in sample(unet, cls.from_config(config)).flatten().tolist()] for name, cls in SOLVERS.items()}


def write():
    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=8,
        in_channels=3,
        out_channels=3,
        block_out_channels=(8, 16),
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=8,
    ).half()
    scheduler = DDPMScheduler(beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction")
    pipeline = DDPMPipeline(unet=unet, scheduler=scheduler)
    pipeline.save_pretrained(FOLDER / "model", safe_serialization=True, max_shard_size="40KB")
    stored = DDPMScheduler.from_pretrained(FOLDER / "model", subfolder="scheduler").config
    golden = {"steps": STEPS, "seeds": SEEDS, "samples": all_samples(unet.float(), stored)}
    (FOLDER / "samples.json").write_text(json.dumps(golden) + "\n")


def check(folder):
    pipeline = DDPMPipeline.from_pretrained(folder)
    print(json.dumps({"steps": STEPS, "seeds": SEEDS, "samples": all_samples(pipeline.unet, pipeline.scheduler.config)}))


if sys.argv[1:2] == ["write"]:
    write()
elif sys.argv[1:2] == ["check"] and len(sys.argv) == 3:
    check(sys.argv[2])
else:
    sys.exit(__doc__)
