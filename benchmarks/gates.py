"""What regression gates do with noise and with real loss: ``python benchmarks/gates.py [--quick] [SECTION ...]``.

null   only seeds change: how many sessions of 1, 20 and 50 gates accuse anything, for each learner
null-more  the same for folds, slices, groups, the jackknife, runs alone, and with an anchor
power  a true drop of the printed smallest visible size, and of twice that: how often it is found
slide  0.1 point lost with every release: how much is lost before an alarm, also with repeated promotion
roc    power at equal false alarms, against a fixed tolerance that was tuned to them (``--plot FILE``)
cost   judging 50 cells of 10,000 rows, beside ``scipy.stats.bootstrap`` on the same work
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from gate_cost import cost
from gate_null_more import null_more
from gate_pools import LEARNERS, SIZES, Pool, pools
from gate_roc import roc
from gate_rule import LOOKS, RUNS, Drawn, accepted, draw, is_quiet, judge, look
from scipy.stats import norm
from tabulate import tabulate

from pytest_mlexp.gates.comparing import Terms
from pytest_mlexp.gates.rules import Gate

GATE = Gate("accuracy", max_drop=0.01)
Rng = np.random.Generator


def groups(all_pools: list[Pool]) -> Iterator[tuple[str, list[Pool]]]:
    yield "all", all_pools
    for learner in LEARNERS:
        yield learner, [pool for pool in all_pools if pool.learner == learner]


def null(args: argparse.Namespace, rng: Rng) -> None:
    rows = []
    for n in args.sizes:
        for name, chosen in groups(loaded(n, args)):
            row: dict[str, Any] = {"rows": n, "learner": name}
            for gates in (1, 20, 50):
                sessions = args.sessions * (5 if gates == 1 else 1)
                alarms = [accuses(chosen, gates, rng) for _ in range(sessions)]
                rate = float(np.mean(alarms))
                row[f"{gates} gates %"] = f"{100 * rate:.1f} ± {100 * (rate * (1 - rate) / sessions) ** 0.5:.1f}"
            rows.append(row)
            print(row, flush=True)
    show("Sessions that accuse anything although only seeds changed (margin 0.01)", rows)


def accuses(chosen: list[Pool], gates: int, rng: Rng) -> bool:
    terms = Terms(gates=gates)
    for _ in range(gates):
        drawn = draw(chosen[rng.integers(len(chosen))], rng)
        if is_quiet(drawn):  # as judge would find, which also works out what is visible
            continue
        if judge(accepted(drawn.baseline), drawn.candidate, GATE, terms).status == "regressed":
            return True
    return False


def power(args: argparse.Namespace, rng: Rng) -> None:
    rows = []
    for n in args.sizes:
        for name, chosen in groups(loaded(n, args)):
            for gates in (1, 20):
                found = [found_at(draw(chosen[rng.integers(len(chosen))], rng), gates, rng) for _ in range(args.draws)]
                once, twice = ([f[k] for f in found if f[k] is not None] for k in (1, 2))
                rows.append(
                    {
                        "rows": n,
                        "learner": name,
                        "gates": gates,
                        "printed drop (median)": f"{np.median([f[0] for f in found]):.4f}",
                        "power at it %": percent(once),
                        "power at twice it %": percent(twice),
                        "draws": f"{len(once)}, {len(twice)}",
                    }
                )
                print(rows[-1], flush=True)
    show("Power at the smallest visible drop as printed with the first look", rows)


def found_at(drawn: Drawn, gates: int, rng: Rng) -> tuple[float, bool | None, bool | None]:
    """The printed drop, and whether drops of once and twice its size are found."""
    terms, baseline = Terms(gates=gates), accepted(drawn.baseline)
    quiet = look(baseline, drawn.candidate[: LOOKS[0]], GATE, terms)
    assert quiet.comparison is not None
    visible = quiet.comparison.visible
    once, twice = (drawn.worse(times * visible, rng) for times in (1, 2))
    return visible, is_found(baseline, once, terms), is_found(baseline, twice, terms)


def is_found(baseline: Any, worse: Drawn | None, terms: Terms) -> bool | None:
    return None if worse is None else judge(baseline, worse.candidate, GATE, terms).status == "regressed"


def slide(args: argparse.Namespace, rng: Rng) -> None:
    rows = []
    for n in [size for size in args.sizes if size >= 1000]:
        for name, chosen in [("simulated, 6 % flips", None), *groups(loaded(n, args))]:
            for promote, seeds in ((0, 1), (5, 1), (5, 5)):
                lost = [one_slide(chosen, n, promote, Terms(first=seeds), rng) for _ in range(args.slides)]
                rows.append(
                    {
                        "rows": n,
                        "learner": name,
                        "promoted every": promote or "never",
                        "seeds": seeds,
                        "lost at the alarm (mean, 95 %)": f"{np.mean(lost):.1f}, {np.quantile(lost, 0.95):.1f}",
                        "before 1.5 points %": percent([x < 1.5 - 1e-9 for x in lost]),
                        "by an ideal test %": percent([ideal(chosen, promote, seeds, rng) for _ in range(1000)]),
                    }
                )
                print(rows[-1], flush=True)
    show("Points lost before an alarm, at 0.1 point lost per release", rows)


def one_slide(chosen: list[Pool] | None, n: int, promote: int, terms: Terms, rng: Rng) -> float:
    """Points lost when an alarm comes, at most 2; an anchor that is judged besides the baseline shares alpha."""
    pool = simulated(n, rng) if chosen is None else chosen[rng.integers(len(chosen))]
    anchor, later = accepted(draw(pool, rng).baseline), None
    order = rng.permutation(np.flatnonzero(pool.right.all(axis=0)))
    for release in range(1, 21):
        lost = order[: round(release * 0.001 * n)]
        drawn = draw(simulated(n, rng, pool) if chosen is None else pool, rng, terms.first + LOOKS[-1] - 1)
        drawn.candidate[:, lost] = drawn.baseline[:, lost] = 0.0
        if later is None:
            verdicts = [judge(anchor, drawn.candidate, GATE, terms)]
        else:
            both = replace(terms, gates=2)
            verdicts = [
                judge(later, drawn.candidate, GATE, both),
                judge(anchor, drawn.candidate, GATE, both, later),
            ]
        if any(verdict.status == "regressed" for verdict in verdicts):
            return release * 0.1
        if promote and release % promote == 0:
            later = accepted(drawn.baseline)
    return 2.0


def ideal(chosen: list[Pool] | None, promote: int, seeds: int, rng: Rng) -> bool:
    """Whether a slide is seen before 1.5 points by a test that nothing can be better than: normal noise between runs
    of a spread that is known, the most runs in every release, and every accepted run used in a regression."""
    if chosen is None:
        return True
    spread = 100 * chosen[rng.integers(len(chosen))].right.mean(axis=1).std(ddof=1)
    series = [(0.0, RUNS, rng.normal(0, spread / RUNS**0.5))]
    runs = seeds + LOOKS[-1] - 1
    for release in range(1, 15):
        lost = 0.1 * release
        now = (lost, runs, -lost + rng.normal(0, spread / runs**0.5))
        x, weight, y = np.array([*series, now]).T
        centred = x - np.average(x, weights=weight)
        slope = -(weight * centred * y).sum() / spread / (weight * centred**2).sum() ** 0.5
        if norm.sf(slope) < 0.05 / min(len(series), 2):
            return True
        if promote and release % promote == 0:
            series.append((lost, RUNS, -lost + rng.normal(0, spread / RUNS**0.5)))
    return False


def simulated(n: int, rng: Rng, like: Pool | None = None) -> Pool:
    """A model whose runs are all the same; another one of its kind disagrees on 6 % of the rows."""
    right = rng.random(n) < 0.9
    if like is not None:
        right = like.right[0] ^ (rng.random(n) < np.where(like.right[0], 0.03 / 0.9, 0.03 / 0.1))
    return Pool("simulated", "", np.tile(right, (RUNS + LOOKS[-1] + 4, 1)))


def percent(hits: list[Any]) -> str:
    if not hits:
        return "-"
    rate = float(np.mean(hits))
    return f"{100 * rate:.1f} ± {100 * (rate * (1 - rate) / len(hits)) ** 0.5:.1f}"


def loaded(n: int, args: argparse.Namespace) -> list[Pool]:
    return pools(n, seeds=args.seeds, splits=args.splits, folder=args.cache)


def show(title: str, rows: list[dict[str, Any]]) -> None:
    print(f"\n{title}\n{tabulate(rows, headers='keys', tablefmt='github')}\n", flush=True)


def main() -> None:
    sections: dict[str, Callable[[argparse.Namespace, Rng], None]] = {
        "null": null,
        "null-more": null_more,
        "power": power,
        "slide": slide,
        "roc": roc,
        "cost": cost,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(sections)}; all by default")
    parser.add_argument("--quick", action="store_true", help="about two minutes: fewer draws, 50 to 1,000 rows")
    parser.add_argument("--cache", type=Path, help="folder in which fitted scores are kept between calls")
    parser.add_argument("--plot", type=Path, help="where roc draws its picture")
    args = parser.parse_args()
    if unknown := set(args.sections) - set(sections):
        parser.error(f"no section {', '.join(sorted(unknown))}: choose from {', '.join(sections)}")
    args.sizes = SIZES[:3] if args.quick else SIZES
    args.seeds, args.splits = (14, 1) if args.quick else (24, 2)
    args.sessions, args.draws, args.slides = (20, 30, 5) if args.quick else (300, 400, 40)
    for name in args.sections or sections:
        started = time.perf_counter()
        sections[name](args, np.random.default_rng(0))
        print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
