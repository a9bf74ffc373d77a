"""Both towers: pictures and captions to vectors of unit length in one space."""

import torch
from torch import nn
from torch.nn import functional as F

DIMENSIONS = 128
MAX_TOKENS = 77
MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]


def conv(before, after, stride):
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


class Block(nn.Module):
    """Two convolutions, the second beside a shortcut."""

    def __init__(self, before, after):
        super().__init__()
        self.first = conv(before, after, 2)
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        x = self.first(x)
        return F.relu(x + self.second(x))


class ImageTower(nn.Module):
    def __init__(self, width=(24, 48, 80, 128)):
        super().__init__()
        self.stem = conv(3, width[0], 2)
        self.blocks = nn.Sequential(*[Block(a, b) for a, b in zip(width, width[1:])])
        self.head = nn.Sequential(
            nn.Linear(2 * width[-1], 2 * DIMENSIONS), nn.ReLU(inplace=True), nn.Linear(2 * DIMENSIONS, DIMENSIONS)
        )

    def forward(self, pixel_values):
        x = self.blocks(self.stem(pixel_values))
        # the mean says what is everywhere (background, how many), the maximum what is anywhere
        x = self.head(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))
        return x


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x, barred):
        b, n, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, n, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5 + barred).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(b, n, width))
        return x + self.mlp(self.norm2(x))


class TextTower(nn.Module):
    def __init__(self, vocabulary, width=96, layers=2, eos=2):
        super().__init__()
        self.eos = eos
        self.words = nn.Embedding(vocabulary, width)
        self.places = nn.Parameter(torch.randn(MAX_TOKENS, width) * 0.02)
        self.layers = nn.ModuleList(Layer(width, 4) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, DIMENSIONS)

    def forward(self, input_ids):
        # what follows the first end token is padding, whatever its id
        ends = (input_ids == self.eos).to(torch.int64)
        padding = (ends.cumsum(1) - ends) > 0
        barred = padding[:, None, None, :].to(torch.float32) * -1e4
        x = self.words(input_ids) + self.places[: input_ids.shape[1]]
        for layer in self.layers:
            x = layer(x, barred)
        # the start token has looked at all words
        return self.head(self.norm(x[:, 0]))


class Clip(nn.Module):
    def __init__(self, vocabulary, values):
        super().__init__()
        self.image = ImageTower()
        self.text = TextTower(vocabulary)
        self.logit_scale = nn.Parameter(torch.tensor(2.3))
        # only for training: what a picture shows, read off its vector
        self.readers = nn.ModuleList(nn.Linear(DIMENSIONS, count) for count in values)
