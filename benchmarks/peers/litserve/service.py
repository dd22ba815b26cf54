"""The same with LitServe.

`python service.py PORT`, with MODEL naming the .onnx file. BATCH is for what was tried.
"""

import io
import os
import sys
from typing import Any

import litserve
import numpy as np
import onnxruntime
from fastapi import Request
from PIL import Image, ImageOps

LABELS = ["chihuahua", "muffin", "other"]
BATCH = int(os.environ.get("BATCH", "1"))


class Classifier(litserve.LitAPI):  # type: ignore[misc] # it is not installed where types are checked
    """Decodes and answers in each of LitServe's own processes."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        """Load the model."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # one for each worker, as they share the cores
        self.session = onnxruntime.InferenceSession(
            os.environ["MODEL"], options, providers=["CPUExecutionProvider"]
        )
        self.input_name = self.session.get_inputs()[0].name

    def decode_request(self, request: Request) -> Any:
        """The picture as float32 [224, 224, 3]: upright, shorter side 256, the middle."""
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(request["file"].file.read()))).convert("RGB")
        scale = 256 / min(image.size)
        width, height = round(image.width * scale), round(image.height * scale)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
        left, top = (width - 224) // 2, (height - 224) // 2
        return np.asarray(image.crop((left, top, left + 224, top + 224)), dtype=np.float32)

    def batch(self, inputs: list[Any]) -> Any:
        """Asked for only where there are batches."""
        return np.stack(inputs)

    def predict(self, x: Any) -> Any:
        """Probabilities for one picture or for a batch."""
        return self.session.run(None, {self.input_name: x.reshape(-1, 224, 224, 3)})[0]

    def unbatch(self, output: Any) -> list[Any]:
        """Likewise."""
        return list(output)

    def encode_response(self, output: Any) -> dict[str, Any]:
        """The labels with their probabilities, best first."""
        probabilities = output.reshape(len(LABELS))
        best_first = np.argsort(-probabilities)
        return {
            "predictions": [{"label": LABELS[i], "probability": float(probabilities[i])} for i in best_first]
        }


if __name__ == "__main__":
    api = Classifier(max_batch_size=BATCH, batch_timeout=0.005 if BATCH > 1 else 0.0)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=2)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, access_log=False)
