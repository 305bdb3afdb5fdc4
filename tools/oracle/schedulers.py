"""Step-by-step states of diffusers' schedulers on a toy network, as goldens for src/diffusion/gaussian.

    python tools/oracle/schedulers.py test/golden/schedulers/steps.json

Versions: tools/oracle/requirements.txt. States are float32, little-endian, base64.
"""

import base64
import json
import sys
import warnings

import numpy as np
import torch
import diffusers

from scheduler_loops import LOOPS, pyramids, stepwise

warnings.filterwarnings("ignore")
SHAPE = (2, 1, 4, 4)
B = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
V = {"prediction_type": "v_prediction"}


def network(x, t):
    """Smooth, nonlinear, and made of operations that float32 rounds the same way everywhere."""
    t = float(t)
    return 0.5 * x / (1 + x * x) + 0.1 * x + (0.05 * t / 1000 - 0.02)


def case(name, cls, steps, config=None, step=None, grid=None, learned=False, start=0):
    return dict(name=name, cls=cls, steps=steps, config=config or {}, step=step or {}, grid=grid or {}, learned=learned)


CASES = [
    case("ddpm", "DDPMScheduler", 7),
    case("ddpm fixed_large v", "DDPMScheduler", 7, {"variance_type": "fixed_large", **V}),
    case("ddpm trailing v", "DDPMScheduler", 7, {"timestep_spacing": "trailing", **V}),
    case("ddpm learned_range linspace", "DDPMScheduler", 7, {"variance_type": "learned_range", "timestep_spacing": "linspace"}, learned=True),
    case("ddpm cosine threshold", "DDPMScheduler", 7, {"beta_schedule": "squaredcos_cap_v2", "thresholding": True, "sample_max_value": 1.5, "dynamic_thresholding_ratio": 0.8}),
    case("ddpm sigmoid sample", "DDPMScheduler", 7, {"beta_schedule": "sigmoid", "prediction_type": "sample", "clip_sample": False}),
    case("ddpm laplace", "DDPMScheduler", 7, {"beta_schedule": "laplace"}),
    case("ddpm zero snr v", "DDPMScheduler", 7, {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", **V}),
    case("ddim", "DDIMScheduler", 7),
    case("ddim stable diffusion", "DDIMScheduler", 7, {**B, "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1}),
    case("ddim eta linspace", "DDIMScheduler", 7, {"timestep_spacing": "linspace"}, step={"eta": 0.7}),
    case("ddim zero snr v trailing", "DDIMScheduler", 7, {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "clip_sample": False, **V}),
    case("ddpm parallel", "DDPMParallelScheduler", 7),
    case("ddim parallel", "DDIMParallelScheduler", 7, {"clip_sample_range": 1.5}, step={"eta": 1.0}),
    case("ddim inverse", "DDIMInverseScheduler", 7, {"clip_sample": False}),
    case("pndm plms", "PNDMScheduler", 7, {**B, "skip_prk_steps": True, "steps_offset": 1}),
    case("pndm runge-kutta v", "PNDMScheduler", 8, V),
    case("unipc", "UniPCMultistepScheduler", 7),
    case("unipc order 3 bh1", "UniPCMultistepScheduler", 7, {"solver_order": 3, "solver_type": "bh1", "final_sigmas_type": "sigma_min"}),
    case("unipc order 4 v", "UniPCMultistepScheduler", 8, {"solver_order": 4, **V}),
    case("unipc karras", "UniPCMultistepScheduler", 7, {**B, "use_karras_sigmas": True}),
    case("unipc exponential trailing", "UniPCMultistepScheduler", 7, {**B, "use_exponential_sigmas": True, "timestep_spacing": "trailing"}),
    case("unipc beta", "UniPCMultistepScheduler", 7, {**B, "use_beta_sigmas": True}),
    case("unipc flow", "UniPCMultistepScheduler", 7, {"use_flow_sigmas": True, "flow_shift": 3.0, "prediction_type": "flow_prediction"}),
    case("unipc dynamic flow terminal", "UniPCMultistepScheduler", 7, {"use_flow_sigmas": True, "use_dynamic_shifting": True, "shift_terminal": 0.1, "prediction_type": "flow_prediction"}, grid={"mu": 0.8}),
    case("unipc noise prediction", "UniPCMultistepScheduler", 7, {"predict_x0": False, "final_sigmas_type": "sigma_min"}),
    case("unipc corrector off leading", "UniPCMultistepScheduler", 7, {"disable_corrector": [0, 1], "timestep_spacing": "leading", "lower_order_final": False, "final_sigmas_type": "sigma_min"}),
    case("dpm++ 2m", "DPMSolverMultistepScheduler", 7, B),
    case("dpm++ 3m karras", "DPMSolverMultistepScheduler", 8, {**B, "solver_order": 3, "use_karras_sigmas": True}),
    case("dpm++ 3m 20 steps", "DPMSolverMultistepScheduler", 20, {"solver_order": 3}),
    case("dpm++ heun exponential", "DPMSolverMultistepScheduler", 7, {**B, "solver_type": "heun", "use_exponential_sigmas": True}),
    case("dpm++ lu euler at final", "DPMSolverMultistepScheduler", 7, {**B, "use_lu_lambdas": True, "lower_order_final": False, "euler_at_final": True}),
    case("dpm++ flow", "DPMSolverMultistepScheduler", 7, {"use_flow_sigmas": True, "flow_shift": 2.0, "prediction_type": "flow_prediction"}),
    case("dpm++ cosine clipped", "DPMSolverMultistepScheduler", 7, {"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1}),
    case("dpm++ threshold", "DPMSolverMultistepScheduler", 7, {"thresholding": True, "sample_max_value": 2.0, "dynamic_thresholding_ratio": 0.7}),
    case("dpm 2m", "DPMSolverMultistepScheduler", 7, {"algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"}),
    case("dpm 3m v", "DPMSolverMultistepScheduler", 7, {"algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_order": 3, **V}),
    case("dpm++ 2m sde", "DPMSolverMultistepScheduler", 7, {**B, "algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": True}),
    case("dpm++ 2m sde heun", "DPMSolverMultistepScheduler", 7, {"algorithm_type": "sde-dpmsolver++", "solver_type": "heun", "timestep_spacing": "trailing"}),
    case("dpm 2m sde", "DPMSolverMultistepScheduler", 7, {"algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min"}),
    case("dpm++ 2s", "DPMSolverSinglestepScheduler", 7, B),
    case("dpm++ 3s", "DPMSolverSinglestepScheduler", 9, {**B, "solver_order": 3, "final_sigmas_type": "sigma_min"}),
    case("dpm++ 3s heun", "DPMSolverSinglestepScheduler", 8, {"solver_order": 3, "solver_type": "heun", "lower_order_final": True}),
    case("dpm 2s", "DPMSolverSinglestepScheduler", 8, {"algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"}),
    case("deis", "DEISMultistepScheduler", 7),
    case("deis order 3 karras v", "DEISMultistepScheduler", 8, {**B, "solver_order": 3, "use_karras_sigmas": True, **V}),
    case("sa-solver", "SASolverScheduler", 7),
    case("sa-solver order 3", "SASolverScheduler", 8, {**B, "predictor_order": 3, "corrector_order": 4}),
    case("sa-solver noise", "SASolverScheduler", 7, {"algorithm_type": "noise_prediction"}),
    case("euler", "EulerDiscreteScheduler", 7, B),
    case("euler karras v", "EulerDiscreteScheduler", 7, {**B, "use_karras_sigmas": True, **V}),
    case("euler beta trailing", "EulerDiscreteScheduler", 7, {**B, "use_beta_sigmas": True, "timestep_spacing": "trailing"}),
    case("euler leading sigma_min", "EulerDiscreteScheduler", 7, {**B, "timestep_spacing": "leading", "steps_offset": 1, "final_sigmas_type": "sigma_min"}),
    case("euler log-linear", "EulerDiscreteScheduler", 7, {"interpolation_type": "log_linear"}),
    case("euler continuous v", "EulerDiscreteScheduler", 7, {"timestep_type": "continuous", "sigma_min": 0.002, "sigma_max": 700.0, "use_karras_sigmas": True, **V}),
    case("euler zero snr v", "EulerDiscreteScheduler", 7, {**B, "rescale_betas_zero_snr": True, "timestep_spacing": "trailing", **V}),
    case("euler ancestral", "EulerAncestralDiscreteScheduler", 7, B),
    case("euler ancestral v trailing", "EulerAncestralDiscreteScheduler", 7, {**B, "timestep_spacing": "trailing", **V}),
    case("heun", "HeunDiscreteScheduler", 6),
    case("heun karras clip", "HeunDiscreteScheduler", 6, {"use_karras_sigmas": True, "clip_sample": True, "clip_sample_range": 2.0}),
    case("kdpm2", "KDPM2DiscreteScheduler", 6),
    case("kdpm2 karras v", "KDPM2DiscreteScheduler", 6, {"use_karras_sigmas": True, **V}),
    case("kdpm2 ancestral", "KDPM2AncestralDiscreteScheduler", 6),
    case("lms", "LMSDiscreteScheduler", 7, B),
    case("lms order 3 karras", "LMSDiscreteScheduler", 7, {**B, "use_karras_sigmas": True}, step={"order": 3}),
    case("ipndm", "IPNDMScheduler", 7),
    case("lcm", "LCMScheduler", 4),
    case("tcd", "TCDScheduler", 4, step={"eta": 0.3}),
    case("edm euler", "EDMEulerScheduler", 7),
    case("edm euler exponential v", "EDMEulerScheduler", 7, {"sigma_schedule": "exponential", **V}),
    case("edm dpm++ 2m", "EDMDPMSolverMultistepScheduler", 7),
    case("edm dpm++ 2m sde", "EDMDPMSolverMultistepScheduler", 7, {"algorithm_type": "sde-dpmsolver++"}),
    case("consistency model", "CMStochasticIterativeScheduler", 4),
    case("scm", "SCMScheduler", 2),
    case("flow euler", "FlowMatchEulerDiscreteScheduler", 7, {"shift": 3.0}),
    case("flow euler dynamic", "FlowMatchEulerDiscreteScheduler", 7, {"use_dynamic_shifting": True}, grid={"mu": 0.9}),
    case("flow euler karras terminal", "FlowMatchEulerDiscreteScheduler", 7, {"use_karras_sigmas": True, "shift_terminal": 0.1}),
    case("flow euler stochastic", "FlowMatchEulerDiscreteScheduler", 7, {"stochastic_sampling": True}),
    case("flow heun", "FlowMatchHeunDiscreteScheduler", 6, {"shift": 2.0}),
    case("cogvideox ddim", "CogVideoXDDIMScheduler", 8, {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", **V}),
    case("cogvideox dpm", "CogVideoXDPMScheduler", 8, V),
    case("unclip", "UnCLIPScheduler", 7),
    case("wuerstchen", "DDPMWuerstchenScheduler", 7),
    case("dpm++ 2m inverse", "DPMSolverMultistepInverseScheduler", 7),
    case("dpm++ 3m inverse karras", "DPMSolverMultistepInverseScheduler", 8, {"use_karras_sigmas": True, "solver_order": 3}),
    case("dpm++ 2m inverse exponential v", "DPMSolverMultistepInverseScheduler", 6, {"use_exponential_sigmas": True, **V}),
    case("flow lcm", "FlowMatchLCMScheduler", 4, {"shift": 2.0}),
    case("flow lcm growing", "FlowMatchLCMScheduler", 3, {"scale_factors": [1.0, 2.0], "upscale_mode": "nearest"}),
    case("flow euler inverted", "FlowMatchEulerDiscreteScheduler", 7, {"invert_sigmas": True, "shift": 3.0}),
    case("score sde ve", "ScoreSdeVeScheduler", 7),
    case("score sde ve two corrections", "ScoreSdeVeScheduler", 6, {"sigma_max": 50, "snr": 0.1, "correct_steps": 2}),
    case("score sde vp", "ScoreSdeVpScheduler", 7),
    case("score sde vp slow", "ScoreSdeVpScheduler", 5, {"beta_min": 0.2, "beta_max": 3.0, "sampling_eps": 0.01}),
    case("karras ve", "KarrasVeScheduler", 7),
    case("karras ve little churn", "KarrasVeScheduler", 6, {"sigma_max": 3.0, "s_churn": 0.9, "s_min": 0.3, "s_max": 5.0}),
    case("dpm sde", "DPMSolverSDEScheduler", 7),
    case("dpm sde karras v", "DPMSolverSDEScheduler", 6, {"use_karras_sigmas": True, **V}),
    case("cosine dpm", "CosineDPMSolverMultistepScheduler", 7),
    case("cosine dpm heun karras epsilon", "CosineDPMSolverMultistepScheduler", 7, {"sigma_schedule": "karras", "solver_type": "heun", "prediction_type": "epsilon"}),
    case("flow map", "FlowMapEulerDiscreteScheduler", 4),
    case("flow map shifted", "FlowMapEulerDiscreteScheduler", 4, {"shift": 5.0}),
    case("flow map any step", "FlowMapEulerDiscreteScheduler", 3, {"shift": 3.0}, grid={"timesteps": [1000, 700, 50]}),
    case("piflow", "PiflowScheduler", 4),
    case("piflow two estimates", "PiflowScheduler", 3, {"n_grid": 2, "shift": 1.0, "final_step_size_scale": 1.0, "num_policy_substeps": 10}),
    case("ltx ancestral", "LTXEulerAncestralRFScheduler", 6),
    case("ltx ancestral shifted", "LTXEulerAncestralRFScheduler", 6, {"eta": 0.5, "s_noise": 0.9, "shift": 3.0, "shift_terminal": 0.1}),
    case("ltx ancestral own levels", "LTXEulerAncestralRFScheduler", 4, grid={"sigmas": [1.0, 0.9, 0.6, 0.2, 0.0]}),
    case("minimax h3", "MiniMaxH3Scheduler", 7),
    case("minimax h3 audio", "MiniMaxH3Scheduler", 5, {"shift": 3.0}),
    case("proteina backbone", "RFD4ProteinaScheduler", 20, {"schedule_mode": "log", "noise_mode": "1/t", "tsr_k": 3.0, "tsr_sigma": 1.5}),
    case("proteina latents masked", "RFD4ProteinaScheduler", 9, {"schedule_mode": "power", "noise_mode": "tan", "tsr_k": 10.0, "tsr_sigma": 0.5, "tail_steps": 2, "tail_step_multiplier": 3, "t_lim_ode": 0.9}, step={"masked": True}),
    case("helios stage 0", "HeliosScheduler", 5, grid={"stage": 0}),
    case("helios stage 2 order 3 bh1", "HeliosScheduler", 6, {"solver_order": 3, "solver_type": "bh1"}, grid={"stage": 2}),
    case("helios dynamic", "HeliosScheduler", 5, {"use_dynamic_shifting": True, "lower_order_final": False}, grid={"stage": 1, "mu": 0.7}),
    case("helios euler", "HeliosScheduler", 5, {"scheduler_type": "euler", "shift": 2.0}, grid={"stage": 1}),
    case("helios one stage", "HeliosScheduler", 6, {"stages": 1, "stage_range": [0, 1], "shift": 1.5}),
    case("helios levels of sigma/alpha", "HeliosScheduler", 5, {"use_flow_sigmas": False}, grid={"stage": 0}),
    case("helios dmd", "HeliosDMDScheduler", 3, grid={"stage": 0}),
    case("helios dmd dynamic", "HeliosDMDScheduler", 3, {"use_dynamic_shifting": True}, grid={"stage": 2, "mu": 2.0}),
    case("helios dmd one stage", "HeliosDMDScheduler", 4, {"stages": 1, "stage_range": [0, 1]}),
    case("repaint", "RePaintScheduler", 6, step={"jumpLength": 2, "jumpSamples": 2}),
    case("repaint ancestral", "RePaintScheduler", 8, {"eta": 1.0, "beta_schedule": "squaredcos_cap_v2", "clip_sample": False, "num_train_timesteps": 50}, step={"jumpLength": 3, "jumpSamples": 3}),
    case("consistency decoder", "ConsistencyDecoderScheduler", 2),
    # found by the fuzz
    case("tcd never clips", "TCDScheduler", 4, {"clip_sample": True, "thresholding": True}),
    case("tcd eta rounded", "TCDScheduler", 8, {"timestep_scaling": 5}, step={"eta": 0.3}, grid={"timesteps": [954, 723, 605, 589, 493, 441, 140, 119]}),
    case("pndm plms linspace", "PNDMScheduler", 7, {**B, "skip_prk_steps": True, "timestep_spacing": "linspace"}),
    case("pndm plms one step", "PNDMScheduler", 1, {**B, "skip_prk_steps": True}),
    case("pndm runge-kutta trailing", "PNDMScheduler", 7, {**B, "timestep_spacing": "trailing"}),
    case("pndm runge-kutta odd stride", "PNDMScheduler", 8, {"num_train_timesteps": 999}),
    case("ddim trailing where arange loses digits", "DDIMScheduler", 48, {"timestep_spacing": "trailing"}),
    case("dpm++ trailing clipped", "DPMSolverMultistepScheduler", 9, {"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1, "timestep_spacing": "trailing"}),
    case("sa-solver trailing clipped", "SASolverScheduler", 9, {"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1, "timestep_spacing": "trailing"}),
    case("euler own levels", "EulerDiscreteScheduler", 4, {"final_sigmas_type": "sigma_min"}, grid={"sigmas": [10.0, 5.0, 1.0, 0.2, 0.0]}),
    case("unipc exponential first time", "UniPCMultistepScheduler", 5, {"num_train_timesteps": 500, "beta_end": 0.03, "use_exponential_sigmas": True}),
    case("unipc beta first time", "UniPCMultistepScheduler", 5, {"num_train_timesteps": 999, "use_beta_sigmas": True}),
    case("dpm++ lu cosine", "DPMSolverMultistepScheduler", 5, {"use_lu_lambdas": True, "beta_schedule": "squaredcos_cap_v2"}),
    case("ddim inverse trailing", "DDIMInverseScheduler", 7, {"clip_sample": False, "timestep_spacing": "trailing"}),
    case("cogvideox ddim never draws", "CogVideoXDDIMScheduler", 7, step={"eta": 1.0}),
    case("cogvideox dpm kept alpha", "CogVideoXDPMScheduler", 8, {"set_alpha_to_one": False}),
    case("cogvideox dpm uneven", "CogVideoXDPMScheduler", 7, {"timestep_spacing": "trailing", **V}),
    case("euler karras one step", "EulerDiscreteScheduler", 1, {"use_karras_sigmas": True}),
    case("kdpm2 exponential one step", "KDPM2DiscreteScheduler", 1, {"use_exponential_sigmas": True}),
    case("flow euler beta one step", "FlowMatchEulerDiscreteScheduler", 1, {"use_beta_sigmas": True}),
    case("dpm 2m inverse", "DPMSolverMultistepInverseScheduler", 7, {"algorithm_type": "dpmsolver"}),
    case("dpm++ 2m inverse trailing", "DPMSolverMultistepInverseScheduler", 7, {"timestep_spacing": "trailing"}),
    case("dpm++ 2m inverse leading", "DPMSolverMultistepInverseScheduler", 7, {"timestep_spacing": "leading", "steps_offset": 1, "lambda_min_clipped": -3}),
    case("ddpm zero snr epsilon", "DDPMScheduler", 6, {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}),
    case("ddim zero snr epsilon threshold", "DDIMScheduler", 6, {"rescale_betas_zero_snr": True, "timestep_spacing": "linspace", "clip_sample_range": 2.0}),
    case("consistency decoder wide data", "ConsistencyDecoderScheduler", 2, {"sigma_data": 1.0}),
]


def evaluations_per_step(cls, config, calls):
    """Indices of the `step` calls after which a whole step of the method is done."""
    if cls in ("HeunDiscreteScheduler", "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"):
        return [*range(1, calls - 1, 2), calls - 1]
    if cls == "PNDMScheduler":
        if config.get("skip_prk_steps"):
            return list(range(1, calls)) if calls > 1 else [0]
        return [3, 7, 11, *range(12, calls)]
    repeats = any(key.startswith("use_") for key in config) or config.get("timestep_spacing") == "trailing"
    if cls == "DPMSolverMultistepInverseScheduler" and repeats:
        return list(range(calls - 1))  # the last step has length zero
    return list(range(calls))


def base64_of(x):
    return base64.b64encode(np.ascontiguousarray(x, dtype="<f4").tobytes()).decode()


def run(spec):
    start = torch.randn(SHAPE, generator=torch.Generator().manual_seed(7))
    times, first, states, arrays = LOOPS.get(spec["cls"], stepwise)(spec, start, network)
    if spec["cls"] not in LOOPS:
        states = [states[i] for i in evaluations_per_step(spec["cls"], spec["config"], len(states))]
    return {
        **{key: spec[key] for key in ("name", "cls", "steps", "config", "step", "grid", "learned")},
        "times": [float(t) for t in times],
        "start": base64_of(first),
        "states": [base64_of(x) for x in states],
        **({"arrays": {name: base64_of(array) for name, array in arrays.items()}} if spec["cls"] in LOOPS else {}),
    }


def beta_tables():
    """ᾱ of every schedule: a checksum of its float32 bits where torch uses no approximate function, and some values."""
    import hashlib

    tables = []
    for config in (
        {},
        {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
        {"beta_schedule": "squaredcos_cap_v2"},
        {"beta_schedule": "sigmoid"},
        {"beta_schedule": "laplace"},
        {"num_train_timesteps": 37, "beta_start": 0.003, "beta_end": 0.3},
        {"rescale_betas_zero_snr": True},
        {"rescale_betas_zero_snr": True, "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    ):
        table = diffusers.DDPMScheduler(**config).alphas_cumprod.numpy().astype("<f4")
        # torch's float32 sigmoid and sqrt differ in the last bit from one machine to the next
        approximate = config.get("beta_schedule") == "sigmoid" or config.get("rescale_betas_zero_snr", False)
        checksum = None if approximate else hashlib.sha256(table.tobytes()).hexdigest()
        tables.append({"config": config, "sha256": checksum, "alphas_cumprod": base64_of(table[::-37])})
    return tables


if __name__ == "__main__":
    torch.set_num_threads(1)
    result = {
        "made_by": "python tools/oracle/schedulers.py test/golden/schedulers/steps.json",
        "versions": {"torch": torch.__version__.split("+")[0], "diffusers": diffusers.__version__},
        "shape": SHAPE,
        "pyramids": pyramids(),
        "betas": beta_tables(),
        "cases": [run(spec) for spec in CASES],
    }
    with open(sys.argv[1], "w") as file:
        head = {key: value for key, value in result.items() if key not in ("cases", "betas")}
        file.write(json.dumps(head)[:-1])
        for key in ("betas", "cases"):
            file.write(f',\n"{key}": [\n' + ",\n".join(json.dumps(item) for item in result[key]) + "\n]")
        file.write("}\n")
