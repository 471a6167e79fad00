"""Power at equal false alarms: the gate's test against a fixed tolerance that was tuned to the same alarms."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from gate_pools import pools
from gate_rule import LOOKS, Drawn, draw
from tabulate import tabulate

from pytest_mlexp.gates.statistics import Side, compare

RATES = (0.005, 0.01, 0.02, 0.05, 0.1)
DROP = {50: 0.10, 200: 0.05, 1000: 0.02, 10_000: 0.01}
RULES = ("gate", "tolerance, 1 run", "tolerance, 3 runs")


def roc(args: argparse.Namespace, rng: np.random.Generator) -> None:
    rows, curves = [], {}
    for n in args.sizes:
        chosen = pools(n, seeds=args.seeds, splits=args.splits, folder=args.cache)
        clean, broken = [], []
        for _ in range(args.draws * 5):
            drawn = draw(chosen[rng.integers(len(chosen))], rng)
            worse = drawn.worse(DROP[n], rng)
            if worse is not None:
                clean.append(suspicion(drawn))
                broken.append(suspicion(worse))
        for column, rule in enumerate(RULES):
            null, loss = (np.array(table)[:, column] for table in (clean, broken))
            found = {rate: 100 * float(np.mean(loss > np.quantile(null, 1 - rate))) for rate in RATES}
            rows.append(
                {"rows": n, "drop": DROP[n], "rule": rule, **{f"{r:.1%}": f"{p:.0f}" for r, p in found.items()}}
            )
            curves[n, rule] = (null, loss)
    print("\nPower in % at equal rates of false alarms (columns), one gate, no margin, real learners and new seeds")
    print(tabulate(rows, headers="keys", tablefmt="github"), flush=True)
    if args.plot:
        draw_curves(curves, args.plot)


def suspicion(drawn: Drawn) -> tuple[float, float, float]:
    """How strongly each rule suspects a cell.

    The gate's three looks stand in the proportion of the product, 2 : 1 : 1, so that one number sweeps the level.
    """
    baseline = Side.of(drawn.baseline)
    p = [compare(baseline, Side.of(drawn.candidate[:runs])).p for runs in LOOKS]
    lost = baseline.value - drawn.candidate.mean(axis=1)
    return -max(p[0] / 2, *p[1:]), float(lost[0]), float(lost[:3].mean())


def draw_curves(curves: dict[tuple[int, str], tuple[Any, Any]], path: Any) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    sizes = sorted({n for n, _ in curves})
    figure, axes = plt.subplots(1, len(sizes), figsize=(4 * len(sizes), 4), squeeze=False)
    levels = np.geomspace(0.002, 0.5, 60)
    for axis, n in zip(axes[0], sizes, strict=True):
        for rule in RULES:
            null, loss = curves[n, rule]
            axis.plot(levels, [np.mean(loss > np.quantile(null, 1 - level)) for level in levels], label=rule)
        axis.set(xscale="log", title=f"{n} rows, drop {DROP[n]}", xlabel="false alarms", ylabel="found", ylim=(0, 1))
    axes[0][0].legend()
    figure.tight_layout()
    figure.savefig(path)
    print(f"drawn: {path}")
