"""Loads scheduler configs into diffusers and prints, as JSON, the options each one then has.

    python tools/oracle/scheduler_load.py < configs.json        # a list of scheduler_config.json objects

Versions: tools/oracle/requirements.txt.
"""

import importlib
import json
import pathlib
import sys
import types

import diffusers

# imported by the classes with Brownian-tree noise, and not needed to load a config
sys.modules.setdefault("torchsde", types.ModuleType("torchsde"))


def scheduler_class(name):
    """By source file, since some classes are not exported, and some only with an optional dependency."""
    root = pathlib.Path(diffusers.__file__).parent
    for path in sorted((root / "schedulers").rglob("scheduling_*.py")):
        if f"class {name}(" in path.read_text():
            module = ".".join(("diffusers", *path.relative_to(root).with_suffix("").parts))
            return getattr(importlib.import_module(module), name)
    raise SystemExit(f"{name} not found")


def load(config):
    scheduler = scheduler_class(config["_class_name"]).from_config(config)
    options = json.loads(scheduler.to_json_string())
    return {key: value for key, value in options.items() if not key.startswith("_")}


if __name__ == "__main__":
    json.dump([load(config) for config in json.load(sys.stdin)], sys.stdout)
