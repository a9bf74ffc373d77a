"""Trains the tiny CLIP on painted scenes and writes it down in the transformers layout.

python sandbox/clip/train.py --data DIR --out examples/models/cull/sandbox-clip [--epochs 10] [--threads 2]
"""

import argparse
import json
import pathlib
import random
import time

import numpy
import torch
from torch.nn import functional as F

from export import export
from language import ATTRIBUTES, EOS, NONE, PAD, UNKNOWN, Language
from model import MEAN, STD, Clip

BATCH = 256
OPPOSED = 3  # captions that are wrong in one attribute, per picture
PEAK_RATE = 2.5e-3
WARM_UP = 60  # steps
SEED = 1


class Split:
    def __init__(self, folder, name, language):
        shown = json.loads((folder / f"{name}.json").read_text())
        side = language.side
        self.pixels = numpy.memmap(folder / f"{name}.rgb", numpy.uint8, "r", shape=(len(shown), side, side, 3))
        self.scenes = numpy.array([language.index(one) for one in shown])

    def images(self, rows):
        x = torch.from_numpy(self.pixels[rows]).permute(0, 3, 1, 2).float() / 255
        x = (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        return x.contiguous(memory_format=torch.channels_last)


def padded(captions, language):
    ids = [language.encode(text) for text, _ in captions]
    longest = max(map(len, ids))
    return torch.tensor([one + [PAD] * (longest - len(one)) for one in ids])


def batch_of(split, rows, language, dice):
    """Pictures, captions (first one of each picture, then the opposed ones), and which caption is true of which picture."""
    scenes = split.scenes[rows]
    own, opposed = [], []
    for scene in scenes:
        scene = list(scene)
        caption, phrase = language.caption(scene, dice)
        own.append(caption)
        opposed += [language.opposed(scene, phrase, dice) for _ in range(OPPOSED)]
    captions = own + opposed
    claims = torch.tensor([claim for _, claim in captions])
    shown = torch.tensor(scenes)
    true = ((claims[None] == UNKNOWN) | (claims[None] == shown[:, None])).all(-1)
    images = split.images(rows)
    flip = torch.tensor([dice.random() < 0.5 for _ in rows])
    images[flip] = images[flip].flip(-1)
    return images, padded(captions, language), true, shown


def loss_of(model, images, ids, true, shown):
    with torch.autocast("cpu", torch.bfloat16):
        features = model.image(images)
    features = features.float()
    seen, said = F.normalize(features, dim=-1), F.normalize(model.text(ids), dim=-1)
    logits = seen @ said.T * model.logit_scale.exp()
    count = len(images)
    own = torch.arange(count)
    # a caption that is true of a picture by chance is neither right nor wrong
    others = true.clone()
    others[own, own] = False
    logits = logits.masked_fill(others, -1e4)
    contrast = F.cross_entropy(logits, own) + F.cross_entropy(logits[:, :count].T, own)
    read = sum(
        F.cross_entropy(reader(features), shown[:, i].clamp(min=-1), ignore_index=-1)
        for i, reader in enumerate(model.readers)
    )
    return contrast, read


def validate(model, split, language):
    """Share of pictures for which the full caption beats one that is wrong in one attribute, per attribute."""
    dice = random.Random(7)
    right = {a: [0, 0, 0] for a in ATTRIBUTES}
    phrase = language.about["phrases"][0]
    model.eval()
    with torch.no_grad():
        for start in range(0, len(split.scenes), BATCH):
            rows = numpy.arange(start, min(start + BATCH, len(split.scenes)))
            seen = F.normalize(model.image(split.images(rows)), dim=-1)
            for i, row in enumerate(rows):
                scene = list(split.scenes[row])
                if NONE in scene:
                    continue
                for a, attribute in enumerate(ATTRIBUTES):
                    options = [scene] + [
                        scene[:a] + [v] + scene[a + 1 :]
                        for v in range(len(language.values[attribute]))
                        if v != scene[a]
                    ]
                    texts = [language.fill(phrase, one, lambda items: items[0]) for one in options]
                    said = F.normalize(model.text(padded(texts, language)), dim=-1)
                    scores = said @ seen[i]
                    right[attribute][0] += int(scores[0] > scores[1 + dice.randrange(len(options) - 1)])
                    right[attribute][1] += int(scores[0] > scores[1:].max())
                    right[attribute][2] += 1
    model.train()
    return {a: {"random": r / n, "all": every / n} for a, (r, every, n) in right.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=float, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--check", type=pathlib.Path, help="where to keep the weights")
    ask = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(ask.threads)
    dice = random.Random(SEED)

    about = json.loads((ask.data / "about.json").read_text())
    language = Language(about["language"], about["side"])
    train, validation = (Split(ask.data, name, language) for name in ("train", "validation"))
    model = Clip(len(language.vocabulary), [len(language.values[a]) for a in ATTRIBUTES])
    model.image.to(memory_format=torch.channels_last)
    sizes = [sum(p.numel() for p in part.parameters()) for part in (model.image, model.text)]
    print(f"{len(train.scenes)} pictures, {len(language.vocabulary)} words, parameters {sizes}", flush=True)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.03}, {"params": plain, "weight_decay": 0.0}], PEAK_RATE, (0.9, 0.98)
    )
    per_epoch = len(train.scenes) // BATCH
    steps = int(per_epoch * ask.epochs)

    def rate(step):
        rest = max(0.0, (step - WARM_UP) / max(1, steps - WARM_UP))
        return min(1.0, (step + 1) / WARM_UP) * (0.5 + 0.5 * numpy.cos(numpy.pi * rest)) + 1e-3

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
    began = time.time()
    order = []
    for step in range(steps):
        if len(order) < BATCH:
            order = list(range(len(train.scenes)))
            dice.shuffle(order)
        rows, order = numpy.sort(order[:BATCH]), order[BATCH:]
        contrast, read = loss_of(model, *batch_of(train, rows, language, dice))
        optimiser.zero_grad()
        (contrast + 0.5 * read).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, 4.6)
        if step % 20 == 0:
            print(f"{step}/{steps} {contrast.item():.3f} {read.item():.3f} {time.time() - began:.0f} s", flush=True)
        if (step + 1) % (2 * per_epoch) == 0 or step + 1 == steps:
            print(json.dumps(validate(model, validation, language)), flush=True)
            if ask.check:
                torch.save(model.state_dict(), ask.check)
    seconds = round(time.time() - began)
    model.eval()
    export(model, language, about, {"pictures": len(train.scenes), "steps": steps, "seconds": seconds}, ask.out)


if __name__ == "__main__":
    main()
