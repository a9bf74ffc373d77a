"""Writes a trained model down as transformers.js and comfy-cull read it."""

import hashlib
import json

import onnx
import torch
from torch import nn
from torch.nn import functional as F

from language import BOS, EOS, PAD, SPECIAL, UNK
from model import DIMENSIONS, MAX_TOKENS, MEAN, STD


class Unit(nn.Module):
    """CLIP's own export gives the projected vector before it is divided by its length; here it has length 1 already."""

    def __init__(self, tower):
        super().__init__()
        self.tower = tower

    def forward(self, x):
        return F.normalize(self.tower(x), dim=-1)


def write(path, content):
    path.write_text(json.dumps(content, indent=2) + "\n")


def export_tower(tower, example, path, names):
    given, found = names
    axes = {given: {0: "batch_size", **({1: "sequence_length"} if example.ndim == 2 else {})}, found: {0: "batch_size"}}
    torch.onnx.export(
        Unit(tower).eval(),
        (example,),
        str(path),
        input_names=[given],
        output_names=[found],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
    onnx.checker.check_model(str(path), full_check=True)


def tokenizer_of(language):
    special = [
        {"id": i, "content": word, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for i, word in enumerate(SPECIAL)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": SPECIAL[BOS], "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": SPECIAL[EOS], "type_id": 0}},
            ],
            "pair": [],
            "special_tokens": {
                SPECIAL[i]: {"id": SPECIAL[i], "ids": [i], "tokens": [SPECIAL[i]]} for i in (BOS, EOS)
            },
        },
        "decoder": None,
        # every known word is whole: without pieces to continue with, any other word is unknown
        "model": {
            "type": "WordPiece",
            "unk_token": SPECIAL[UNK],
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": language.vocabulary,
        },
    }


def export(model, language, about, training, folder):
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    side = language.side
    image = model.image.to(memory_format=torch.contiguous_format)
    export_tower(image, torch.zeros(2, 3, side, side), folder / "onnx/vision_model.onnx", ("pixel_values", "image_embeds"))
    export_tower(model.text, torch.tensor([[BOS, UNK, EOS, PAD]] * 2), folder / "onnx/text_model.onnx", ("input_ids", "text_embeds"))
    write(
        folder / "config.json",
        {
            "model_type": "clip",
            "architectures": ["CLIPModel"],
            "projection_dim": DIMENSIONS,
            "logit_scale": round(model.logit_scale.exp().item(), 3),
            "logit_scale_init_value": round(model.logit_scale.item(), 4),
            "text_config": {
                "model_type": "clip_text_model",
                "vocab_size": len(language.vocabulary),
                "max_position_embeddings": MAX_TOKENS,
                "projection_dim": DIMENSIONS,
                "bos_token_id": BOS,
                "eos_token_id": EOS,
                "pad_token_id": PAD,
            },
            "vision_config": {"model_type": "clip_vision_model", "image_size": side, "projection_dim": DIMENSIONS},
        },
    )
    write(
        folder / "preprocessor_config.json",
        {
            "image_processor_type": "CLIPImageProcessor",
            "do_resize": True,
            "size": {"shortest_edge": side},
            "resample": 3,
            "do_center_crop": True,
            "crop_size": {"height": side, "width": side},
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": MEAN,
            "image_std": STD,
            "do_convert_rgb": True,
        },
    )
    write(folder / "tokenizer.json", tokenizer_of(language))
    write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": MAX_TOKENS,
            "do_lower_case": True,
            "bos_token": SPECIAL[BOS],
            "eos_token": SPECIAL[EOS],
            "pad_token": SPECIAL[PAD],
            "unk_token": SPECIAL[UNK],
        },
    )
    files = ["onnx/vision_model.onnx", "onnx/text_model.onnx"]
    example = "Product photo of two crimson mugs, an oak table; zeppelin"
    write(
        folder / "card.json",
        {
            "painterVersion": about["painterVersion"],
            "seeds": about["seeds"],
            "training": training,
            "torch": torch.__version__,
            "tokens": {"text": example, "ids": language.encode(example)},
            "sha256": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
        },
    )
