"""What many people write first: FastAPI, Pillow and ONNX Runtime, and nothing else.

`uvicorn service:app --workers 2`, with MODEL naming the .onnx file.
THREADS and HANDLER are for what was tried.
"""

import io
import os
from typing import Any

import numpy as np
import onnxruntime
from fastapi import FastAPI, UploadFile
from PIL import Image, ImageOps

LABELS = ["chihuahua", "muffin", "other"]

options = onnxruntime.SessionOptions()
# One for each worker, as they share the cores; 0 would be ONNX Runtime's own choice: all cores for each.
options.intra_op_num_threads = int(os.environ.get("THREADS", "1"))
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
input_name = session.get_inputs()[0].name

app = FastAPI()


def preprocess(data: bytes) -> Any:
    """The picture as float32 [1, 224, 224, 3]: upright, shorter side 256, the middle."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    scale = 256 / min(image.size)
    width, height = round(image.width * scale), round(image.height * scale)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - 224) // 2, (height - 224) // 2
    return np.asarray(image.crop((left, top, left + 224, top + 224)), dtype=np.float32)[np.newaxis]


def answer(data: bytes) -> dict[str, Any]:
    """The labels with their probabilities, best first."""
    [probabilities] = session.run(None, {input_name: preprocess(data)})[0]
    best_first = np.argsort(-probabilities)
    return {"predictions": [{"label": LABELS[i], "probability": float(probabilities[i])} for i in best_first]}


async def predict(file: UploadFile) -> dict[str, Any]:
    """Answer on the event loop: with a worker for each core this is faster than its threads."""
    return answer(await file.read())


def predict_in_threads(file: UploadFile) -> dict[str, Any]:
    """Answer in one of FastAPI's 40 threads."""
    return answer(file.file.read())


app.post("/predict")(predict_in_threads if os.environ.get("HANDLER") == "threads" else predict)
