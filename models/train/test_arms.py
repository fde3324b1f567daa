import numpy as np
import pytest
import torch

from arms import ARMS, View, noise, others
from attention import SCALES, combine, level
from fit import EPOCHS, Setting, Task, bootstrap, fit, predict
from heads import Linear, Start

CHANNELS = 6


def view(split: str = "train", count: int = 40, seed: int = 1) -> View:
    rng = np.random.default_rng(seed)
    maps = {s: rng.integers(0, 256, (count, 224 // s, 224 // s), np.uint8) for s in SCALES}
    return View(split, torch.from_numpy(rng.random((count, CHANNELS, 49), np.float32)).half(), maps)


def start(random: bool = False) -> Start:
    rng = torch.Generator().manual_seed(3)
    weight = torch.rand(CHANNELS, generator=rng) - 0.5 if random else torch.zeros(CHANNELS)
    return Start(weight, 0.2 * random, torch.full((CHANNELS,), 0.5), torch.full((CHANNELS,), 0.1))


def task(name: str, label: np.ndarray, of: View | None = None) -> Task:
    seen, flipped = of or view(), view("train-flipped", seed=2)
    plain, mirrored = ARMS[name].inputs(seen), ARMS[name].inputs(flipped)
    inputs = {key: torch.cat([plain[key], mirrored[key]]) for key in plain}
    return Task(ARMS[name], inputs, torch.from_numpy(label), np.arange(len(label)), start(random=True))


def labels(count: int = 40) -> np.ndarray:
    return (np.arange(count) % 3 > 0).astype(np.float32)


def logits(name: str, of: View) -> torch.Tensor:
    """Of an unfitted head that starts from a random classifier."""
    torch.manual_seed(1)
    inputs = ARMS[name].inputs(of)
    return torch.from_numpy(predict(ARMS[name].head(start(random=True), inputs, 1).eval(), inputs, 1))


def test_there_are_ten_arms_on_stored_features() -> None:
    assert list(ARMS) == ["none", "constant", "hash-single", "hash-multi", "permuted", "fixed-noise", "resampled-noise",
                          "learned", "parallel", "parallel-permuted"]


def test_hash_multi_pools_features_times_one_plus_attention() -> None:
    of = view()
    attention = torch.from_numpy(level(combine(of.bytes), 7)).flatten(1)
    expected = (of.features.float() * (1 + attention).unsqueeze(1)).mean(dim=2)
    torch.testing.assert_close(ARMS["hash-multi"].inputs(of)["pooled"], expected)


def test_a_constant_map_starts_and_stays_the_plain_classifier() -> None:
    torch.testing.assert_close(logits("constant", view()), logits("none", view()), atol=1e-5, rtol=1e-5)
    fitted = [fit(task(name, labels()), Setting(1e-3, 0.1), 1) for name in ("none", "constant")]
    found = [predict(head, ARMS[name].inputs(view()), 1) for head, name in zip(fitted, ("none", "constant"))]
    np.testing.assert_allclose(*found, atol=1e-4)


def test_every_hash_or_noise_arm_differs_from_the_plain_one() -> None:
    plain = logits("none", view())
    for name in ("hash-single", "hash-multi", "permuted", "fixed-noise", "resampled-noise", "learned"):
        assert float((logits(name, view()) - plain).abs().max()) > 1e-4, name


def test_permuted_gives_every_image_the_map_of_another_one() -> None:
    order = others(view())
    assert sorted(order) == list(range(40)) and not (order == np.arange(40)).any()
    assert np.array_equal(order, others(view("train-flipped")))


def test_permuted_is_hash_multi_with_the_maps_exchanged() -> None:
    of = view()
    exchanged = View("train", of.features, {s: m[others(of)] for s, m in of.bytes.items()})
    torch.testing.assert_close(ARMS["permuted"].inputs(of)["pooled"], ARMS["hash-multi"].inputs(exchanged)["pooled"])


def test_fixed_noise_is_drawn_once_and_differs_between_images_and_splits() -> None:
    of = view()
    first, again = (ARMS["fixed-noise"].inputs(of)["pooled"] for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, ARMS["fixed-noise"].inputs(View("val", of.features, of.bytes))["pooled"])


def test_noise_has_the_spread_of_hash_maps() -> None:
    hashed, drawn = level(combine(view(count=400).bytes), 7), noise(np.random.default_rng(5), 400)
    assert abs(hashed.mean() - drawn.mean()) < 0.01 and abs(hashed.std() - drawn.std()) < 0.01


def test_resampled_noise_differs_between_training_steps_and_is_repeatable_in_use() -> None:
    inputs = ARMS["resampled-noise"].inputs(view())
    head = ARMS["resampled-noise"].head(start(random=True), inputs, 1)
    batch = {"features": inputs["features"].float()}
    assert not torch.equal(head.train()(batch), head(batch))
    np.testing.assert_array_equal(predict(head.eval(), inputs, 7), predict(head, inputs, 7))


def test_learned_attention_can_find_the_cell_that_matters() -> None:
    """One channel says where to look; the class is in another channel, in that cell only."""
    rng, count = np.random.default_rng(4), 240
    label, features = (rng.random(count) < 0.5).astype(np.float32), np.zeros((count, CHANNELS, 49), np.float32)
    features[:, 1] = rng.normal(0, 1, (count, 49))
    cell = rng.integers(0, 49, count)
    features[np.arange(count), 0, cell] = 6
    features[np.arange(count), 1, cell] = np.where(label > 0.5, 1.5, -1.5)
    of = View("train", torch.from_numpy(features).half(), {})
    inputs = {"features": torch.cat([of.features, of.features])}
    made = Task(ARMS["learned"], inputs, torch.from_numpy(label), np.arange(count), start(random=False))
    head = fit(made, Setting(3e-2, 0.0), 0)
    looked = torch.sigmoid(torch.einsum("bcg,c->bg", of.features.float(), head.attend.weight[0]) + head.attend.bias)
    looked = looked.detach()
    assert float(looked[np.arange(count), cell].mean()) > float(looked.mean()) + 0.1


def test_a_strong_pull_keeps_the_starting_classifier_and_a_weak_one_learns() -> None:
    moved = [float(fit(task("none", labels()), Setting(1e-2, pull), 1).classifier.change.detach().abs().max()) for pull in (0.0, 90.0)]
    assert moved[1] < 0.3 * moved[0]


def test_the_folded_classifier_is_the_classifier() -> None:
    head = Linear(start(random=True), 1.4, added=3)
    torch.nn.init.normal_(head.change)
    pooled, added = torch.rand(5, CHANNELS), torch.rand(5, 3)
    weight, bias = head.folded()
    expected = torch.cat([pooled, added], dim=1) @ torch.from_numpy(weight) + bias
    torch.testing.assert_close(head(pooled, added), expected, atol=1e-5, rtol=1e-5)


def test_the_bootstrap_draws_whole_patients_and_seed_zero_takes_everyone() -> None:
    patient, label = np.repeat(np.arange(30), 3), labels(90)
    rows = bootstrap(patient, label, 1)
    assert not np.array_equal(np.sort(rows), np.arange(90))
    counts = np.bincount(rows, minlength=90).reshape(30, 3)
    assert (counts == counts[:, :1]).all() and counts.sum() == 90
    assert np.array_equal(bootstrap(patient, label, 0), np.arange(90))


@pytest.mark.parametrize("name", list(ARMS))
def test_the_same_seed_gives_the_same_head_and_another_another(name: str) -> None:
    made = task(name, labels())
    inputs = ARMS[name].inputs(view("val", seed=5))
    once, again, other = (predict(fit(made, Setting(1e-3, 0.1), seed), inputs, 1) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


def test_all_arms_of_a_seed_see_the_same_images_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    import fit as module

    seen: dict[str, list[list[int]]] = {}
    take = module.take
    for name in ARMS:
        seen[name] = []
        monkeypatch.setattr(module, "take", lambda inputs, rows, of=name: seen[of].append(rows.tolist()) or take(inputs, rows))
        fit(task(name, labels()), Setting(1e-3, 0.1), 3)
    assert all(rows == seen["none"] for rows in seen.values()) and len(seen["none"]) >= EPOCHS
