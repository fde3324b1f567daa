"""The networks: a one-channel ResNet-18 backbone and the pattern A head.

He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016), with one grey input channel.
Pattern A is whitepaper section 6.1: ``features * (1 + attention)``, pooled, then a linear classifier.
"""

import torch
from torch import Tensor, nn

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
FEATURES = 512


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
    """Image [B,1,224,224], normalised, to features [B,512,7,7]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        blocks: list[nn.Module] = []
        channels_in = 64
        for channels, stride in STAGES:
            blocks += [BasicBlock(channels_in, channels, stride), BasicBlock(channels, channels, 1)]
            channels_in = channels
        self.blocks = nn.Sequential(*blocks)

    def forward(self, image: Tensor) -> Tensor:
        return self.blocks(self.stem(image))


class Head(nn.Module):
    """Features [B,512,7,7] and attention [B,1,7,7] in [0,1] to one logit [B,1] (pattern A)."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(FEATURES, 1)

    def forward(self, features: Tensor, attention: Tensor) -> Tensor:
        return self.classifier((features * (1 + attention)).mean(dim=(2, 3)))


class PlainClassifier(nn.Module):
    """Backbone and a linear classifier without attention: what stage one trains, and the control."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(FEATURES, 1)

    def forward(self, image: Tensor) -> Tensor:
        return self.classifier(self.dropout(self.backbone(image).mean(dim=(2, 3)))).squeeze(1)
