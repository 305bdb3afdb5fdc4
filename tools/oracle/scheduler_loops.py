"""Sampling loops of diffusers' schedulers, for schedulers.py and the fuzz.

Each takes the case, the start noise [2, 1, 4, 4] and the toy network, and returns the scheduler's times, the scaled start,
the states, and whatever else the loop was given (by name). `stepwise` gives the state after each call of `step`; the loops of
LOOPS, for schedulers that are not driven by `step(output, t, x)` alone, the state after each whole step.
"""

import sys
import types

import diffusers
import torch

# the classes with Brownian-tree noise import it; their noise sampler is replaced below
sys.modules.setdefault("torchsde", types.ModuleType("torchsde"))

from diffusers.schedulers.scheduling_consistency_decoder import ConsistencyDecoderScheduler  # noqa: E402
from diffusers.schedulers.scheduling_cosine_dpmsolver_multistep import CosineDPMSolverMultistepScheduler  # noqa: E402
from diffusers.schedulers.deprecated.scheduling_karras_ve import KarrasVeScheduler  # noqa: E402
from diffusers.schedulers.deprecated.scheduling_sde_vp import ScoreSdeVpScheduler  # noqa: E402
from diffusers.schedulers.scheduling_dpmsolver_sde import DPMSolverSDEScheduler  # noqa: E402


class BrownianPath:
    """Normalised increments of one Brownian path, drawn when a step begins: [mid, from], then [to, from]."""

    def __init__(self, shape, generator, halves):
        self.shape, self.generator, self.halves = shape, generator, halves
        self.early = None

    def draw(self):
        return torch.randn(self.shape, generator=self.generator)

    def __call__(self, sigma, sigma_next):
        if not self.halves:
            return self.draw()
        if self.early is None:
            self.early, self.late, self.middle = self.draw(), self.draw(), sigma_next
            return self.early
        early, self.early = self.early, None
        whole = (sigma - self.middle).sqrt() * early + (self.middle - sigma_next).sqrt() * self.late
        return whole / (sigma - sigma_next).sqrt()


def brownian(spec, start, network):
    cls = DPMSolverSDEScheduler if spec["cls"] == "DPMSolverSDEScheduler" else CosineDPMSolverMultistepScheduler
    scheduler = cls(**spec["config"])
    scheduler.set_timesteps(spec["steps"])
    halves = cls is DPMSolverSDEScheduler
    scheduler.noise_sampler = BrownianPath(start.shape, torch.Generator().manual_seed(11), halves)
    x = first = start * float(scheduler.init_noise_sigma)
    states = []
    for t in scheduler.timesteps:
        x = scheduler.step(network(scheduler.scale_model_input(x, t), t), t, x).prev_sample
        states.append(x)
    keep = [*range(1, len(states) - 1, 2), len(states) - 1] if halves else range(len(states))
    return scheduler.timesteps, first, [states[i] for i in keep], {}


def score_sde_ve(spec, start, network):
    def score(x, sigma):
        return -(x + network(x, sigma)) / (1 + float(sigma) ** 2)

    scheduler = diffusers.ScoreSdeVeScheduler(**spec["config"])
    scheduler.set_timesteps(spec["steps"])
    scheduler.set_sigmas(spec["steps"])
    generator = torch.Generator().manual_seed(11)
    x = first = start * scheduler.init_noise_sigma
    states = []
    for sigma, t in zip(scheduler.sigmas, scheduler.timesteps):
        for _ in range(scheduler.config.correct_steps):
            # sample by sample: diffusers' corrector takes the mean of norms over a batch, and a picture would depend on its companions
            scores = score(x, sigma)
            corrected = [scheduler.step_correct(s, y, generator=generator) for s, y in zip(scores.split(1), x.split(1))]
            x = torch.cat([output.prev_sample for output in corrected])
        output = scheduler.step_pred(score(x, sigma), t, x, generator=generator)
        x = output.prev_sample
        states.append(x)
    return scheduler.sigmas, first, [*states[:-1], output.prev_sample_mean], {}


def score_sde_vp(spec, start, network):
    scheduler = ScoreSdeVpScheduler(**spec["config"])
    scheduler.set_timesteps(spec["steps"])
    generator = torch.Generator().manual_seed(11)
    x, states = start, []
    for t in scheduler.timesteps:
        x, mean = scheduler.step_pred(network(x, t), x, t, generator=generator)
        states.append(x)
    return scheduler.timesteps, start, [*states[:-1], mean], {}


def karras_ve(spec, start, network):
    scheduler = KarrasVeScheduler(**spec["config"])
    scheduler.set_timesteps(spec["steps"])
    generator = torch.Generator().manual_seed(11)
    x = first = start * scheduler.init_noise_sigma
    states = []
    for t in scheduler.timesteps:
        sigma, lower = scheduler.schedule[t], scheduler.schedule[t - 1] if t > 0 else 0
        raised, level = scheduler.add_noise_to_input(x, sigma, generator)
        step = scheduler.step(network(raised, level), level, lower, raised)
        if lower != 0:
            output = network(step.prev_sample, lower)
            step = scheduler.step_correct(output, level, lower, raised, step.prev_sample, step.derivative)
        x = step.prev_sample
        states.append(x)
    return scheduler.schedule.flip(0), first, states, {}


def flow_map(spec, start, network):
    scheduler = diffusers.FlowMapEulerDiscreteScheduler(**spec["config"])
    scheduler.set_timesteps(None if spec["grid"] else spec["steps"], **spec["grid"])
    x, states = start, []
    for i, t in enumerate(scheduler.timesteps):
        target = float(scheduler.sigmas[i + 1]) * scheduler.config.num_train_timesteps
        x = scheduler.step(network(x, t) + 0.02 * target / 1000, t, x).prev_sample
        states.append(x)
    return scheduler.timesteps, start, states, {}


def piflow(spec, start, network):
    scheduler = diffusers.PiflowScheduler(**spec["config"])
    scheduler.set_timesteps(spec["steps"])
    x, states = start, []
    for t in scheduler.timesteps:
        output = network(x, t)
        wide = torch.cat([output * (1 - 0.05 * k) for k in range(scheduler.n_grid)], dim=-1)
        x = scheduler.step(wide, t, x).prev_sample
        states.append(x)
    return scheduler.timesteps, start, states, {}


def proteina(spec, start, network):
    scheduler = diffusers.RFD4ProteinaScheduler(**spec["config"])
    scheduler.set_timesteps(spec["steps"])
    generator = torch.Generator().manual_seed(11)
    emitted = torch.tensor([[True] * 6 + [False] * 2 if spec["step"].get("masked") else [True] * 8])
    x, states = start.reshape(1, 8, 4), []
    for t in scheduler.timesteps:
        x = scheduler.step(network(x, t), t, x, emitted, generator=generator).prev_sample
        states.append(x)
    return scheduler.timesteps, start, states, {"emitMask": emitted[..., None].expand(1, 8, 4).float()}


def helios(spec, start, network):
    scheduler = getattr(diffusers, spec["cls"])(**spec["config"])
    grid = {"stage_index" if key == "stage" else key: value for key, value in spec["grid"].items()}
    scheduler.set_timesteps(spec["steps"], **grid)
    x = start = start.unsqueeze(2)
    states = []
    for i, t in enumerate(scheduler.timesteps):
        extra = {}
        if spec["cls"] == "HeliosDMDScheduler":
            extra = dict(cur_sampling_step=i, dmd_noisy_tensor=start, dmd_sigmas=scheduler.sigmas,
                         dmd_timesteps=scheduler.timesteps, all_timesteps=scheduler.timesteps)
        x = scheduler.step(network(x, t), t, x, **extra).prev_sample
        states.append(x)
    return scheduler.timesteps, start, states, {}


def repaint(spec, start, network):
    scheduler = diffusers.RePaintScheduler(**spec["config"])
    jumps = spec["step"]
    scheduler.set_timesteps(spec["steps"], jumps.get("jumpLength", 10), jumps.get("jumpSamples", 10))
    generator = torch.Generator().manual_seed(11)
    known = torch.randn(start.shape, generator=torch.Generator().manual_seed(5)).clamp(-1, 1)
    mask = torch.zeros(start.shape)
    mask[..., :2, :] = 1
    x, states = start, []
    last = scheduler.timesteps[0] + 1
    for t in scheduler.timesteps:
        if t < last:
            x = scheduler.step(network(x, t), t, x, known, mask, generator).prev_sample
            states.append(x)
        else:
            x = scheduler.undo_step(x, last, generator)
        last = t
    return scheduler.timesteps, start, states, {"x0": known, "mask": mask}


def consistency_decoder(spec, start, network):
    scheduler = ConsistencyDecoderScheduler(**spec["config"])
    scheduler.set_timesteps(spec["steps"])
    generator = torch.Generator().manual_seed(11)
    x = first = start * float(scheduler.init_noise_sigma)
    states = []
    for t in scheduler.timesteps:
        x = scheduler.step(network(scheduler.scale_model_input(x, t), t), t, x, generator).prev_sample
        states.append(x)
    return scheduler.timesteps, first, states, {}


def ltx(spec, start, network):
    # from_config keeps the options of flow-match Euler that the class hands on
    scheduler = diffusers.LTXEulerAncestralRFScheduler.from_config(spec["config"])
    scheduler.set_timesteps(None if "sigmas" in spec["grid"] else spec["steps"], **spec["grid"])
    generator = torch.Generator().manual_seed(11)
    x, states = start, []
    for t in scheduler.timesteps[: scheduler.num_inference_steps]:
        x = scheduler.step(network(x, t), t, x, generator=generator).prev_sample
        states.append(x)
    return scheduler.timesteps, start, states, {}


# names of what a run is given in inkwash, and in diffusers' `step`
STEP_NAMES = {"sChurn": "s_churn", "sTmin": "s_tmin", "sTmax": "s_tmax", "sNoise": "s_noise"}


def stepwise(spec, start, network):
    cls, grid = spec["cls"], spec["grid"]
    scheduler = getattr(diffusers, cls)(**spec["config"])
    if cls == "SCMScheduler":
        # as its pipeline calls it
        defaults = {} if spec["steps"] == 2 else {"intermediate_timesteps": None}
        if "timesteps" in grid:
            defaults = {"intermediate_timesteps": None, "max_timesteps": None}
        scheduler.set_timesteps(spec["steps"], **defaults, **grid)
        x = first = start * scheduler.config.sigma_data
    elif cls == "EDMEulerScheduler" and "sigmas" in grid:
        # it takes positions on its ramp, and we take levels
        low, high = (scheduler.config[key] ** (1 / scheduler.config.rho) for key in ("sigma_min", "sigma_max"))
        levels = torch.tensor(grid["sigmas"], dtype=torch.float64)
        scheduler.set_timesteps(None, sigmas=(levels ** (1 / scheduler.config.rho) - high) / (low - high))
        x = first = start * scheduler.init_noise_sigma
    else:
        scheduler.set_timesteps(None if "timesteps" in grid or "sigmas" in grid else spec["steps"], **grid)
        x = first = start * float(getattr(scheduler, "init_noise_sigma", 1.0))
    generator = torch.Generator().manual_seed(11)
    takes_generator = "generator" in scheduler.step.__code__.co_varnames
    options = {STEP_NAMES.get(key, key): value for key, value in spec["step"].items()}
    times = scheduler.timesteps
    if cls in ("SCMScheduler", "DDPMWuerstchenScheduler"):
        times = times[:-1]
    states = []
    previous = {"old_pred_original_sample": None, "timestep_back": None}
    for i, t in enumerate(times):
        scaled = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
        output = network(scaled, t)
        if spec["learned"]:
            output = torch.cat([output, torch.tanh(output)], dim=1)
        extra = {"generator": generator} if takes_generator else {}
        if cls == "CogVideoXDPMScheduler":
            x, estimate = scheduler.step(output, timestep=t, sample=x, **previous, **options, **extra)[:2]
            previous = {"old_pred_original_sample": estimate, "timestep_back": t}
        elif cls == "UnCLIPScheduler":
            following = times[i + 1] if i + 1 < len(times) else None
            x = scheduler.step(output, t, x, prev_timestep=following, **extra).prev_sample
        elif cls == "DDPMWuerstchenScheduler":
            x = scheduler.step(output, t.repeat(len(x)), x, **extra).prev_sample
        else:
            x = scheduler.step(output, t, x, **options, **extra).prev_sample
        states.append(x)
    return times, first, states, {}


LOOPS = {
    "DPMSolverSDEScheduler": brownian,
    "CosineDPMSolverMultistepScheduler": brownian,
    "ScoreSdeVeScheduler": score_sde_ve,
    "ScoreSdeVpScheduler": score_sde_vp,
    "KarrasVeScheduler": karras_ve,
    "FlowMapEulerDiscreteScheduler": flow_map,
    "PiflowScheduler": piflow,
    "RFD4ProteinaScheduler": proteina,
    "HeliosScheduler": helios,
    "HeliosDMDScheduler": helios,
    "RePaintScheduler": repaint,
    "ConsistencyDecoderScheduler": consistency_decoder,
    "LTXEulerAncestralRFScheduler": ltx,
}


def pyramids():
    """Flow levels and times of Helios' stages."""
    tables = []
    for config in ({}, {"shift": 3.0, "gamma": 0.2}, {"stages": 2, "stage_range": [0, 0.4, 1]}):
        scheduler = diffusers.HeliosScheduler(**config)
        stages = range(scheduler.config.stages)
        tables.append({
            "config": config,
            "entry": [scheduler.ori_start_sigmas[i] for i in stages],
            "start": [scheduler.start_sigmas[i] for i in stages],
            "end": [scheduler.end_sigmas[i] for i in stages],
            "first": [float(scheduler.timesteps_per_stage[i][0]) for i in stages],
            "last": [float(scheduler.timesteps_per_stage[i][-1]) for i in stages],
        })
    return tables
