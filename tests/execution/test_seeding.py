from __future__ import annotations

import contextlib
import pickle
import random
import subprocess
import sys
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlexp.blocks.device import absent_reason
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.execution.seeding import LARGEST_SEED, preserved, seeded

SEEDS = st.integers(0, LARGEST_SEED)


def draw() -> list[float]:
    """Draw from every global generator, normal numbers too: they leave a spare one behind in the state."""
    import torch

    drawn = [random.random(), random.gauss(0, 1), np.random.rand(), np.random.standard_normal()]  # noqa: NPY002
    return [*drawn, float(torch.rand(1)), float(torch.randn(1))]


def states() -> tuple[Any, ...]:
    import torch

    numpy_state = pickle.dumps(np.random.get_state())  # noqa: NPY002
    return random.getstate(), numpy_state, torch.get_rng_state().tolist()


@given(seed=SEEDS, raises=st.booleans(), reseeds=st.booleans())
def test_the_global_state_is_left_exactly_as_found(seed: int, raises: bool, reseeds: bool) -> None:
    pytest.importorskip("torch")
    draw()
    before = states()
    with contextlib.suppress(ZeroDivisionError), seeded(seed) as randomness:
        draw()
        if reseeds:
            randomness.reseed()
        if raises:
            raise ZeroDivisionError
    assert states() == before


@given(seed=SEEDS, raises=st.booleans())
def test_many_blocks_within_one_saving_leave_the_state_as_found(seed: int, raises: bool) -> None:
    pytest.importorskip("torch")
    before = states()
    with seeded(seed):
        expected = draw()
    with contextlib.suppress(ZeroDivisionError), preserved():
        for _ in range(2):
            with seeded(seed):
                assert draw() == expected
        with seeded(seed):
            with seeded(7):
                draw()
            assert draw() == expected
        if raises:
            raise ZeroDivisionError
    assert states() == before


@given(seed=SEEDS, other=SEEDS)
def test_a_seed_decides_what_is_drawn_whatever_was_drawn_before(seed: int, other: int) -> None:
    pytest.importorskip("torch")
    with seeded(seed) as randomness:
        first = draw()
        randomness.reseed()
        assert draw() == first
    with seeded(other):
        assert (draw() == first) == (seed == other)
    with seeded(seed):
        assert draw() == first


def test_a_block_within_a_block_gives_the_outer_one_back() -> None:
    pytest.importorskip("torch")
    with seeded(1):
        first, second = draw(), draw()
    with seeded(1):
        assert draw() == first
        with seeded(2):
            draw()
        assert draw() == second


def test_the_order_of_trials_does_not_matter_for_torch_results() -> None:
    torch = pytest.importorskip("torch")

    def trial(seed: int) -> list[float]:
        with seeded(seed):
            net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5))
            weights: list[float] = net(torch.ones(1, 3)).flatten().tolist()
            return weights

    forward = {seed: trial(seed) for seed in (0, 1, 2)}
    backward = {seed: trial(seed) for seed in (2, 1, 0)}
    assert forward == backward
    assert forward[0] != forward[1]


@pytest.mark.parametrize("seed", [-1, LARGEST_SEED + 1])
def test_a_seed_that_not_every_generator_takes_is_refused(seed: int) -> None:
    before = random.getstate()
    with pytest.raises(DeclarationError, match=f"seed {seed} cannot be used"), seeded(seed):
        pass
    assert random.getstate() == before


def fresh(code: str) -> str:
    prelude = "import random, sys\nfrom pytest_mlexp.execution.seeding import seeded\n"
    done = subprocess.run([sys.executable, "-c", prelude + code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_torch_is_not_imported_for_the_cpu() -> None:
    assert fresh("with seeded(0) as r: print(r.torch_arrived(), 'torch' in sys.modules)") == "False False"


@pytest.mark.parametrize("first_import", ["before", "inside"])
def test_a_torch_that_arrives_within_the_block_is_seeded_by_building_again(first_import: str) -> None:
    torch = pytest.importorskip("torch")
    code = f"""
if {first_import == "before"}:
    import torch
with seeded(5) as r:
    def build():
        import torch
        return random.random(), float(torch.rand(1))
    built = build()
    arrived = r.torch_arrived()
    if arrived:
        r.reseed()
        assert not r.torch_arrived()
        built = build()
import torch
print(arrived, *built, torch.default_generator.initial_seed() == 5)
"""
    with seeded(5):
        expected = f"{first_import == 'inside'} {random.random()} {float(torch.rand(1))} False"
    assert fresh(code) == expected


def test_no_seeding_is_left_queued_for_a_cuda_that_starts_later() -> None:
    torch = pytest.importorskip("torch")
    queued = len(torch.cuda._queued_calls)
    with seeded(0):
        pass
    assert len(torch.cuda._queued_calls) == queued


@pytest.mark.skipif(absent_reason("cuda:0") is not None, reason=str(absent_reason("cuda:0")))
def test_cuda_is_seeded_from_its_first_use_and_restored() -> None:
    torch = pytest.importorskip("torch")

    def trial() -> list[float]:
        with seeded(3, device="cuda:0"):
            drawn: list[float] = torch.rand(4, device="cuda:0").tolist()
            return drawn

    first = trial()
    before = torch.cuda.get_rng_state_all()
    assert trial() == first
    assert all(torch.equal(a, b) for a, b in zip(before, torch.cuda.get_rng_state_all(), strict=True))


def test_it_is_cheap_next_to_what_it_must_do() -> None:
    def empty() -> None:
        with seeded(1):
            pass

    def seeding_alone() -> None:
        random.setstate(random.getstate())
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        np.random.set_state(np.random.get_state())  # noqa: NPY002

    def best(function: Callable[[], None]) -> float:
        return min(timeit.repeat(function, number=200, repeat=5))

    assert best(empty) < 10 * best(seeding_alone)
