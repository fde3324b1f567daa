import numpy as np
import pytest
import torch

import injection
from attention import all_bytes, combine, level
from backbone import judge, normalise
from conftest import WIDTH
from network import GRIDS, Injected, PlainClassifier
from run import Run


class Spy(torch.nn.Module):
    """Takes what an Injected takes, and keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, image: torch.Tensor, maps: list[torch.Tensor] | None = None) -> torch.Tensor:
        self.image, self.maps = image, maps
        return image.mean(dim=(1, 2, 3))


@pytest.fixture(scope="module")
def grey() -> torch.Tensor:
    """Varied images: grey levels between those of bytes."""
    return torch.rand(3, 1, 224, 224, generator=torch.Generator().manual_seed(2))


def seen(name: str, grey: torch.Tensor) -> Spy:
    spy = Spy()
    injection.forward(name)(spy, grey)
    return spy


def test_the_maps_are_those_of_the_very_bytes_that_the_network_sees(grey: torch.Tensor) -> None:
    spy = seen("injected", grey)
    raster = ((spy.image * 0.2360 + 0.4817) * 255).round().to(torch.uint8).numpy()[:, 0]
    torch.testing.assert_close(spy.image, normalise(torch.from_numpy(raster).float()[:, None] / 255))
    attention = combine(all_bytes(raster))
    for grid, found in zip(GRIDS, spy.maps, strict=True):
        np.testing.assert_array_equal(found[:, 0].numpy(), level(attention, grid))


def test_the_controls_see_the_same_images_with_no_map_or_anothers(grey: torch.Tensor) -> None:
    own, none, permuted = (seen(name, grey) for name in ("injected", "injected-none", "injected-permuted"))
    assert torch.equal(own.image, none.image) and torch.equal(own.image, permuted.image)
    assert none.maps is None
    for mine, theirs in zip(own.maps, permuted.maps, strict=True):
        assert all(not torch.equal(a, b) for a, b in zip(mine, theirs))
        assert torch.equal(theirs, mine.roll(1, 0))


def test_without_maps_it_is_the_plain_network_and_each_gate_matters(grey: torch.Tensor) -> None:
    torch.manual_seed(4)
    plain, network = PlainClassifier(WIDTH).eval(), Injected(WIDTH).eval()
    network.load_state_dict(plain.state_dict(), strict=False)
    maps = injection.levels(np.random.default_rng(1).random((3, 56, 56)), torch.device("cpu"))
    with torch.inference_mode():
        torch.testing.assert_close(network(grey), plain(grey))
        with_all = network(grey, maps)
        assert not torch.allclose(with_all, plain(grey))
        for stage in range(4):
            network.gates[stage] = 0
            assert not torch.allclose(network(grey, maps), with_all), stage
            network.gates[stage] = 0.5


def test_served_maps_of_a_split_are_its_stored_ones(run: Run) -> None:
    torch.manual_seed(5)
    network, val = Injected(WIDTH).eval(), run.rows("val")
    found = injection.logits("injected", network, val, "val", run.data, exact=True)
    with torch.inference_mode():
        image = normalise(torch.from_numpy(val.raster).float()[:, None] / 255)
        expected = network(image, injection.levels(combine(all_bytes(val.raster)), torch.device("cpu")))
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    others = injection.logits("injected-permuted", network, val, "val", run.data, exact=True)
    assert np.all(found != others)
    none = injection.logits("injected-none", network, val, "val", run.data, exact=True)
    np.testing.assert_allclose(none, judge(network, val), atol=0.05)
