"""How train images are varied. Everything is drawn from one generator, so that a seed decides it.

The order is that of an acquisition: geometry, then exposure, then detector and reader. What comes out is what a
host might have had as its raster: grey levels in [0,1] before they are made bytes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Variation:
    """Ranges; angles in radians, lengths as a share of the side, exponents as natural logarithms of gamma."""

    angle: float
    zoom: tuple[float, float]
    stretch: tuple[float, float]
    shift: float
    gamma: float
    contrast: tuple[float, float]
    brightness: float
    blur: float
    noise: float
    erase: float


# Of the first model: as much as a film may differ in.
WIDE = Variation(angle=0.17, zoom=(0.82, 1.12), stretch=(0.88, 1.14), shift=0.1, gamma=0.45, contrast=(0.7, 1.35),
                 brightness=0.1, blur=0.2, noise=0.06, erase=0.3)
# Flips, small moves and exposure only.
NARROW = Variation(angle=0.09, zoom=(0.92, 1.08), stretch=(0.95, 1.05), shift=0.05, gamma=0.3, contrast=(0.85, 1.2),
                   brightness=0.05, blur=0.0, noise=0.02, erase=0.0)


def vary(image: Tensor, rng: torch.Generator, how: Variation, size: int) -> Tensor:
    """u8 [B,H,W] to grey levels [B,1,size,size] in [0,1]."""
    count = len(image)
    x = image.unsqueeze(1).float() / 255

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=rng) * (high - low) + low

    def each(values: Tensor) -> Tensor:
        return values.view(-1, 1, 1, 1)

    angle, zoom, stretch = uniform(-how.angle, how.angle), uniform(*how.zoom), uniform(*how.stretch)
    flip = (torch.rand(count, generator=rng) < 0.5).float() * -2 + 1
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    theta = torch.stack(
        [torch.stack([cos * flip * stretch, -sin, uniform(-how.shift, how.shift)], 1),
         torch.stack([sin * flip * stretch, cos, uniform(-how.shift, how.shift)], 1)], 1)
    grid = F.affine_grid(theta, [count, 1, size, size], align_corners=False)
    if size < x.shape[-1]:
        x = F.interpolate(x, size=(size, size), mode="area")
    x = F.grid_sample(x, grid, padding_mode="zeros", align_corners=False)
    x = x.clamp(1e-4, 1) ** torch.exp(each(uniform(-how.gamma, how.gamma)))
    mean = x.mean(dim=(2, 3), keepdim=True)
    x = (x - mean) * each(uniform(*how.contrast)) + mean + each(uniform(-how.brightness, how.brightness))
    kind = torch.rand(count, generator=rng)
    x = torch.where(each(kind < how.blur), F.avg_pool2d(x, 3, 1, 1), x)
    x = x + torch.randn(x.shape, generator=rng) * each(uniform(0, how.noise) * (kind > 0.6))
    for i in range(count):
        if torch.rand(1, generator=rng).item() < how.erase:
            box = torch.randint(size // 8, size // 3, (2,), generator=rng)
            top, left = (torch.randint(0, size - int(b), (1,), generator=rng).item() for b in box)
            x[i, :, top:top + int(box[0]), left:left + int(box[1])] = torch.rand(1, generator=rng).item()
    return x.clamp(0, 1)
