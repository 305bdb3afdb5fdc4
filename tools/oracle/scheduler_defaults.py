"""Options and defaults of the Gaussian schedulers, read from the sources of diffusers.

    python tools/oracle/scheduler_defaults.py test/golden/schedulers/defaults.json
"""

import ast
import json
import pathlib
import sys

import diffusers

CLASSES = """
DDPMScheduler DDPMParallelScheduler DDIMScheduler DDIMParallelScheduler DDIMInverseScheduler PNDMScheduler
DPMSolverMultistepScheduler DPMSolverSinglestepScheduler UniPCMultistepScheduler DEISMultistepScheduler SASolverScheduler
EulerDiscreteScheduler EulerAncestralDiscreteScheduler HeunDiscreteScheduler KDPM2DiscreteScheduler
KDPM2AncestralDiscreteScheduler DPMSolverSDEScheduler LMSDiscreteScheduler IPNDMScheduler LCMScheduler TCDScheduler
EDMEulerScheduler EDMDPMSolverMultistepScheduler CosineDPMSolverMultistepScheduler CMStochasticIterativeScheduler
SCMScheduler CogVideoXDDIMScheduler CogVideoXDPMScheduler UnCLIPScheduler DDPMWuerstchenScheduler
DPMSolverMultistepInverseScheduler FlowMatchEulerDiscreteScheduler FlowMatchHeunDiscreteScheduler FlowMatchLCMScheduler ScoreSdeVeScheduler
FlowMapEulerDiscreteScheduler PiflowScheduler LTXEulerAncestralRFScheduler MiniMaxH3Scheduler RFD4ProteinaScheduler HeliosScheduler
HeliosDMDScheduler RePaintScheduler ConsistencyDecoderScheduler KarrasVeScheduler ScoreSdeVpScheduler
""".split()


def defaults(cls):
    """From the source text, since classes with a missing optional dependency cannot be imported; None where it demands a value."""
    folder = pathlib.Path(diffusers.__file__).parent / "schedulers"
    for path in sorted(folder.rglob("scheduling_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name == cls:
                init = next(item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__")
                names = [argument.arg for argument in init.args.args[1:]]
                values = [eval(ast.unparse(value)) for value in init.args.defaults]
                values = [None] * (len(names) - len(values)) + values
                return {name: "-inf" if value == -float("inf") else value for name, value in zip(names, values)}
    raise SystemExit(f"{cls} not found")


def every_class():
    """Names of all schedulers of diffusers, deprecated ones and those for discrete tokens included."""
    folder = pathlib.Path(diffusers.__file__).parent / "schedulers"
    nodes = [node for path in folder.rglob("scheduling_*.py") for node in ast.parse(path.read_text()).body]
    bases = lambda node: [ast.unparse(base) for base in node.bases]
    return sorted(node.name for node in nodes if isinstance(node, ast.ClassDef) and "SchedulerMixin" in bases(node))


if __name__ == "__main__":
    result = {
        "made_by": "python tools/oracle/scheduler_defaults.py test/golden/schedulers/defaults.json",
        "diffusers": diffusers.__version__,
        "every_class": every_class(),
        "classes": {cls: defaults(cls) for cls in CLASSES},
    }
    with open(sys.argv[1], "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
