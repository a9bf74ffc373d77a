"""Which of the image files on stdin (one a line) Python's cleanvision calls blurred, and how long it takes on one process. Prints one JSON object."""

import contextlib
import json
import sys
import time

from cleanvision import Imagelab

files = [line.strip() for line in sys.stdin if line.strip()]
with contextlib.redirect_stdout(sys.stderr):
    lab = Imagelab(filepaths=files)
    began = time.perf_counter()
    lab.find_issues({"blurry": {}}, n_jobs=1, verbose=False)
    blurry_ms = (time.perf_counter() - began) * 1000
    everything = Imagelab(filepaths=files)
    began = time.perf_counter()
    # all its issues of one image; the last two compare images with one another
    everything.find_issues(
        {name: {} for name in ["blurry", "dark", "light", "low_information", "odd_aspect_ratio", "grayscale", "odd_size"]},
        n_jobs=1,
        verbose=False,
    )
    all_ms = (time.perf_counter() - began) * 1000
blurred = [name for name, is_blurred in lab.issues["is_blurry_issue"].items() if is_blurred]
print(json.dumps({"blurryMs": blurry_ms, "ms": all_ms, "blurred": blurred}))
