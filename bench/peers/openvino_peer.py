"""OpenVINO as a peer: the forward pass of diffusers' UNet2DModel, converted from PyTorch.

    python openvino_peer.py f32|bf16
"""

import sys

from serve_peer import serve


def prepare(work, precision):
    if work["kind"] != "sample":
        raise RuntimeError("OpenVINO only runs networks forward")
    import openvino

    core = openvino.Core()
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise RuntimeError("this processor has no bf16 instructions")
    shape = [work["batch"], *work["shape"]]
    model = convert(work["network"], shape)
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()

    import numpy

    x = numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32)
    t = numpy.full(work["batch"], 500, dtype=numpy.int64)
    return lambda: request.infer([x, t], share_inputs=True, share_outputs=True)[0].flat[0]


def convert(network, shape):
    """The network as an OpenVINO model, by the frontend itself: the converter around it reports its use."""
    import torch
    from diffusers import UNet2DModel
    from openvino import PartialShape
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.unet = UNet2DModel(**network).eval()

        def forward(self, x, t):
            return self.unet(x, t, return_dict=False)[0]

    with torch.no_grad():
        example = (torch.zeros(shape), torch.full((shape[0],), 500))
        decoder = TorchScriptPythonDecoder(Network(), example_input=example)
        frontend = FrontEndManager().load_by_framework("pytorch")
        model = frontend.convert(frontend.load(decoder))
    for parameter, size in zip(model.inputs, (shape, shape[:1])):
        parameter.get_node().set_partial_shape(PartialShape(size))
    model.validate_nodes_and_infer_types()
    return model


def main():
    precision = sys.argv[1]
    serve(f"OpenVINO {{}} {precision}", ["openvino", "torch", "diffusers"], lambda work: prepare(work, precision))


if __name__ == "__main__":
    main()
