"""A scorer in Python: how colourful an image is. Start: uvicorn saturation:app --port 9000; then CULL_SCORERS=http://127.0.0.1:9000"""

import base64
import io

from fastapi import FastAPI
from PIL import Image, ImageOps, ImageStat

app = FastAPI()
SPEC = {
    "id": "saturation", "version": "1.0.0", "tier": "generic", "cost": "model", "models": [],
    "source": "Mean S of HSV (Smith, Color gamut transform pairs, SIGGRAPH 1978)",
    "dimensions": {"saturation.mean": {"direction": "target", "unit": "share", "range": [0, 1],
                                       "about": "Mean saturation; 0 means a grey picture."}},
}


@app.get("/spec")
def spec():
    return {"scorers": [SPEC], "batch": {"max": 8, "waitMs": 10}}


def measure(item):
    try:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(base64.b64decode(item["image"])))).convert("RGB")
    except Exception:
        return {"saturation.mean": {"status": "unassessable", "reason": "undecodable"}}
    mean = ImageStat.Stat(image.convert("HSV")).mean[1] / 255
    wanted = item["params"].get("saturation", {}).get("wanted", 0.4)
    return {"saturation.mean": {"status": "ok", "raw": mean, "quality": max(0, 100 - 200 * abs(mean - wanted))}}


@app.post("/assess")
def assess(body: dict):
    return {"assessments": [measure(item) for item in body["items"]]}
