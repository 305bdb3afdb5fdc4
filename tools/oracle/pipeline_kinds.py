"""Small pipelines of every kind that inkwash opens, as diffusers saves them, and the pictures diffusers makes with them.

    python tools/oracle/pipeline_kinds.py test/golden/pipelines/kinds

Per pipeline a folder, loaded by the class that its `model_index.json` names; in `pictures.json` one picture each in [0, 1],
[H, W, C], from torch.Generator('cpu').manual_seed(SEED).
"""

import json
import sys
from pathlib import Path

import diffusers
import torch
from diffusers import UNet2DModel

SEED = 3


def unet(**options):
    torch.manual_seed(len(options))
    return UNet2DModel(
        sample_size=8, block_out_channels=(8,), layers_per_block=1, norm_num_groups=4, add_attention=False,
        down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",), **options,
    ).half()


FOURIER = dict(time_embedding_type="fourier", center_input_sample=True)
LEARNED = dict(time_embedding_type="learned", num_train_timesteps=1000)
SCORE = diffusers.ScoreSdeVeScheduler(sigma_min=0.05, sigma_max=0.5, num_train_timesteps=2000, correct_steps=1)

# name: pipeline, network, scheduler, steps, what model_index.json says in place of the scheduler's own class
CASES = {
    "ddpm": ("DDPMPipeline", {}, diffusers.DDPMScheduler(), 4, None),
    "learned": ("DDPMPipeline", LEARNED, diffusers.DDPMScheduler(), 4, None),
    "ddpm-index-ddim": ("DDPMPipeline", {}, diffusers.DDPMScheduler(), 4, "DDIMScheduler"),
    "ddim-of-ddpm": ("DDIMPipeline", {}, diffusers.DDPMScheduler(), 4, "DDPMScheduler"),
    "pndm-of-ddim": ("PNDMPipeline", {}, diffusers.DDIMScheduler(beta_end=0.002), 5, "DDIMScheduler"),
    "consistency": ("ConsistencyModelPipeline", {}, diffusers.CMStochasticIterativeScheduler(), 2, None),
    "score-sde-ve": ("ScoreSdeVePipeline", FOURIER, SCORE, 6, None),
    "karras-ve": ("KarrasVePipeline", FOURIER, diffusers.KarrasVeScheduler(sigma_min=0.3, sigma_max=0.8, s_churn=2), 4, "KarrasVeScheduler"),
}


def main(root):
    pictures = {}
    for name, (pipeline, network, scheduler, steps, index_class) in CASES.items():
        folder = root / name
        getattr(diffusers, pipeline)(unet=unet(**network), scheduler=scheduler).save_pretrained(folder)
        # the pipelines that convert their scheduler have saved the converted one
        scheduler.save_pretrained(folder / "scheduler")
        if index_class is not None:
            index = json.loads((folder / "model_index.json").read_text())
            index["scheduler"] = ["diffusers", index_class]
            (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
        loaded = getattr(diffusers, pipeline).from_pretrained(folder)
        loaded.set_progress_bar_config(disable=True)
        generator = torch.Generator("cpu").manual_seed(SEED)
        image = loaded(batch_size=1, num_inference_steps=steps, generator=generator, output_type="np").images[0]
        inner = float(((image > 0) & (image < 1)).mean())
        print(name, type(loaded.scheduler).__name__, f"{inner:.0%} of the values neither black nor white")
        pictures[name] = {
            "steps": steps,
            "scheduler": type(loaded.scheduler).__name__,
            "values": [round(v, 6) for v in image.flatten().tolist()],
        }
    (root / "pictures.json").write_text(json.dumps({"seed": SEED, "pictures": pictures}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
