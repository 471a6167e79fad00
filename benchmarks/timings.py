"""What timings of an unchanged model are spread by, and whom gates accuse: ``python benchmarks/timings.py [SESSIONS]``.

Each session is a process of its own that fits and predicts like an experiment with a gate on timings. Half of the
sessions have the machine for themselves, as far as it is idle, the other half share it with one process more than there
are cores. Shown are

spread  the standard deviation between sessions, as a share of the mean and in seconds, to lay beside the noise that
        gates take for granted (``SPEED`` and ``WAITED``)
gates   how many sessions a gate on ``max_relative_drop`` accuses of a loss: unchanged on a machine as idle as it was,
        unchanged on a busy one (with the pace of the machine, and without), and twice as slow
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace
from itertools import count
from typing import TypeAlias

import numpy as np
from tabulate import tabulate

from pytest_mlexp.gates.comparing import Terms, against
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.lock import Accepted
from pytest_mlexp.gates.rules import SPEED, WAITED, Gate

RUNS = 5
GATE = Gate("fit_seconds", max_relative_drop=0.2)
MODELS = {
    "tree": "from sklearn.tree import DecisionTreeClassifier as M; m = M()",
    "forest": "from sklearn.ensemble import RandomForestClassifier as M; m = M(n_estimators=50)",
    "logistic": "from sklearn.linear_model import LogisticRegression as M; m = M(max_iter=300)",
}
_SESSION = """
import json, sys, time
import numpy as np
from pytest_mlexp.execution.pace import pace
rng = np.random.default_rng(0)
X = rng.normal(size=(6000, 20))
y = (X[:, :4].sum(axis=1) + rng.normal(size=6000) > 0).astype(int)
found = []
for _ in range(int(sys.argv[1])):
    {model}
    before = pace()
    started = time.perf_counter()
    m.fit(X, y)
    seconds = time.perf_counter() - started
    m.predict(X)
    found.append((seconds, (before + pace()) / 2))
print(json.dumps(found))
"""
Taken: TypeAlias = list[tuple[float, float]]


def burn() -> None:
    for _ in count():
        pass


def session(model: str, runs: int = RUNS) -> Taken:
    """Seconds and pace of each run of one session."""
    code = _SESSION.replace("{model}", MODELS[model])
    done = subprocess.run([sys.executable, "-c", code, str(runs)], check=True, capture_output=True, text=True)
    return [(seconds, pace) for seconds, pace in json.loads(done.stdout)]


def verdict(before: Taken, now: Taken, *, paced: bool = True, times: float = 1.0) -> str:
    seconds, pace = np.array(before).T
    mean, spread = float(seconds.mean()), float(seconds.std(ddof=1))
    accepted = Accepted(mean, spread, tuple(seconds), "runs", hardware="here", pace=float(pace.mean()))
    runs, taken = np.array(now).T
    candidate = Contributions("runs", times * runs, tuple(range(len(now))), hardware="here", pace=tuple(taken))
    if not paced:
        candidate = replace(candidate, pace=())
    return against(GATE, "fit_seconds", candidate, (accepted, None, False), Terms()).status


def accused(pairs: list[tuple[Taken, Taken]], *, paced: bool = True, times: float = 1.0) -> str:
    found = [verdict(before, now, paced=paced, times=times) == "regressed" for before, now in pairs]
    return f"{100 * np.mean(found):.0f} % of {len(found)}"


def main() -> None:
    sessions = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    spreads, gates = [], []
    for model in MODELS:
        idle: list[Taken] = [session(model) for _ in range(sessions)]
        burners = [multiprocessing.Process(target=burn, daemon=True) for _ in range((os.cpu_count() or 1) + 1)]
        for one in burners:
            one.start()
        busy: list[Taken] = [session(model) for _ in range(sessions)]
        for one in burners:
            one.terminate()
        for name, found in (("idle", idle), ("busy", busy)):
            seconds, pace = np.array([np.mean(taken, axis=0) for taken in found]).T
            sd = float(seconds.std(ddof=1))
            row = {
                "model": model,
                "machine": name,
                "mean s": seconds.mean(),
                "sd %": 100 * sd / seconds.mean(),
                "sd s": sd,
            }
            spreads.append({**row, "pace ms": 1e3 * pace.mean(), "pace sd %": 100 * pace.std(ddof=1) / pace.mean()})
        alike = [(a, b) for a in idle for b in idle if a is not b]
        across = [(a, b) for a in idle for b in busy]
        gates.append(
            {
                "model": model,
                "idle": accused(alike),
                "busy": accused(across),
                "busy, pace unknown": accused(across, paced=False),
                "twice as slow, idle": accused(alike, times=2.0),
                "three times, busy": accused(across, times=3.0),
            }
        )
    print(f"Between sessions of {RUNS} runs (gates take {100 * SPEED:g} % and {WAITED:g} s for granted)")
    print(tabulate(spreads, headers="keys", floatfmt=".3f"))
    print(f"\nSessions that '{GATE}' accuses")
    print(tabulate(gates, headers="keys"))


if __name__ == "__main__":
    main()
