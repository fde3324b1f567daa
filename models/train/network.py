"""The networks that are trained end to end: a one-channel ResNet-18, plain and with injection (pattern B).

He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016), with one grey input channel. Pattern B is
whitepaper section 6.2: after each stage ``x * (1 + gate * attention)``. Heads on stored features are in heads.py.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# Channels of the first stage; each later stage has twice as many at half the side.
WIDTH = 64
STAGES = 4
BLOCKS_A_STAGE = 2
# Cells along a side after each stage, of a 224-pixel image.
GRIDS = (56, 28, 14, 7)
# Where the learned gates start: the published code's value.
GATE = 0.5


class BasicBlock(nn.Module):
    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class Backbone(nn.Module):
    """Image [B,1,224,224], normalised, to features [B,8*width,7,7]; ``width`` below 64 is for tests."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        blocks: list[nn.Module] = []
        channels_in = width
        for stage in range(STAGES):
            channels = width * 2**stage
            blocks += [BasicBlock(channels_in, channels, 1 if stage == 0 else 2), BasicBlock(channels, channels, 1)]
            channels_in = channels
        self.blocks = nn.Sequential(*blocks)
        self.channels = channels_in

    def forward(self, image: Tensor) -> Tensor:
        return self.blocks(self.stem(image))


class PlainClassifier(nn.Module):
    """Backbone and a linear classifier without attention: what ``train`` makes, and what all arms start from."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.backbone = Backbone(width)
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(self.backbone.channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        return self.classifier(self.dropout(self.backbone(image).mean(dim=(2, 3)))).squeeze(1)


class Injected(PlainClassifier):
    """Pattern B: image [B,1,224,224] and four maps [B,1,g,g] in [0,1], g of ``GRIDS``, to logits [B].

    Without maps it is the plain classifier. Its first parameters have the plain classifier's names, so that its
    weights start from one.
    """

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__(width)
        self.gates = nn.Parameter(torch.full((STAGES,), GATE))

    def features(self, image: Tensor, maps: Sequence[Tensor] | None) -> Tensor:
        x = self.backbone.stem(image)
        for stage in range(STAGES):
            x = self.backbone.blocks[stage * BLOCKS_A_STAGE:(stage + 1) * BLOCKS_A_STAGE](x)
            if maps is not None:
                x = x * (1 + self.gates[stage] * maps[stage])
        return x

    def forward(self, image: Tensor, maps: Sequence[Tensor] | None = None) -> Tensor:
        return self.classifier(self.dropout(self.features(image, maps).mean(dim=(2, 3)))).squeeze(1)
