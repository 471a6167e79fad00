"""``mlexp compare``: two accepted states side by side."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from pytest_mlexp.cli import main
from pytest_mlexp.gates.acceptance import Acceptance, merged
from pytest_mlexp.gates.lock import Accepted, Lock, LockedCell, LockedDataset, LockedEvaluator, LockedMetric, write
from pytest_mlexp.gates.statistics import Side
from pytest_mlexp.gates.vectors import digest_of_bytes, pack
from pytest_mlexp.reporting.pairs import difference

ROWS = 400


def save(
    path: Path,
    right: dict[str, int],
    *,
    dataset: str = "d",
    hardware: str | None = None,
    groups: int = 0,
    max_drop: float = 0.01,
    anchor: int | None = None,
) -> None:
    accepted = []
    for cell, count in right.items():
        runs = np.tile((np.arange(ROWS) < count).astype(float), (5, 1))
        side = Side.of(runs)
        assert side.mean is not None
        numbers = {"share groups": ((np.arange(ROWS) * groups // ROWS).astype(np.float64), 1)} if groups else {}
        data = pack({"share": (side.mean, 5), **numbers})
        metric = Accepted(side.value, 0.0, tuple(side.runs.tolist()), "examples", "c", hardware=hardware)
        oldest = None if anchor is None else Accepted(anchor / ROWS, 0.0, (anchor / ROWS,), "examples", "c")
        metrics = {"share": LockedMetric(True, metric, oldest)}
        gate = {"metric": "share", "max_drop": max_drop}
        entry = LockedCell(dataset, "s", "f", 1, gates=(gate,), metrics=metrics, contributions=digest_of_bytes(data))
        blocks = ("n", LockedDataset(dataset, "s", ROWS)), ("e", LockedEvaluator("f", {"share": "maximize"}))
        accepted.append(Acceptance("toy", cell, entry, *blocks, data))
    path.parent.mkdir(exist_ok=True)
    write(path, merged(Lock(), accepted), {(a.experiment, a.cell): a.vectors for a in accepted})


def test_two_locks_are_paired_by_example_the_worst_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = tmp_path / "a" / "mlexp.lock", tmp_path / "b" / "mlexp.lock"
    save(before, {"better": 300, "gone": 300, "worse": 300})
    save(after, {"better": 320, "new": 300, "worse": 280})
    assert main(["compare", str(before), str(after.parent)]) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert [head.index("not compared") == row.find("gone", 20) for row in rows if " gone " in row] == [True]
    lines = [line.split() for line in rows[:4]]
    assert {line[1] for line in lines} == {"worse", "gone", "new", "better"}
    assert lines[0][:6] == ["toy:", "worse", "share", "0.7500", "0.7000", "-0.0500"]
    assert {line[1]: line[-1] for line in lines if len(line) < 7} == {"gone": "gone", "new": "new"}


def test_what_is_unchanged_is_counted_and_changes_of_gates_and_anchors_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "a.lock", {"one": 300, "two": 300, "worse": 300})
    save(tmp_path / "b.lock", {"one": 300, "two": 300, "worse": 280}, max_drop=0.02, anchor=320)
    assert main(["compare", str(tmp_path / "a.lock"), str(tmp_path / "b.lock")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[2:3]] == ["worse"]
    assert lines[3:] == [
        "",
        "unchanged: 2 metrics of 2 cells",
        "",
        "toy: all 3 cells that have it: gate share: max_drop=0.01 -> max_drop=0.02",
        "toy: one: share anchor: nothing -> 0.8000",
        "toy: two: share anchor: nothing -> 0.8000",
        "toy: worse: share anchor: nothing -> 0.8000",
    ]
    save(tmp_path / "b.lock", {"one": 300})
    assert main(["compare", str(tmp_path / "a.lock"), str(tmp_path / "b.lock")]) == 0
    assert "toy: two, worse: gate share: max_drop=0.01 -> gone" in capsys.readouterr().out


def test_numbers_of_one_run_are_shown_and_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in (("a.lock", 0.9), ("b.lock", 0.8)):
        metrics = {"m": LockedMetric(True, Accepted(value, 0.0, (value,), "runs"))}
        blocks = ("n", LockedDataset("d", "s", ROWS)), ("e", LockedEvaluator("f", {"m": "maximize"}))
        entry = LockedCell("d", "s", "f", 1, metrics=metrics)
        write(tmp_path / name, merged(Lock(), [Acceptance("toy", "cell", entry, *blocks)]), {})
    assert main(["compare", str(tmp_path / "a.lock"), str(tmp_path / "b.lock")]) == 0
    assert capsys.readouterr().out.splitlines()[2].split()[2:] == ["m", "0.9000", "0.8000", "too", "few", "runs"]


def test_what_was_only_rounded_is_no_loss() -> None:
    before, after = (Accepted(v, 0.0, (v,) * 3, "runs") for v in (0.9, 0.9 - 1e-9))
    found = difference("share", (LockedMetric(True, before), LockedMetric(True, after)), [None, None], None)
    assert found.p == 0.5


def test_examples_of_one_group_are_not_independent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chances = []
    for groups in (0, 10):
        save(tmp_path / "a.lock", {"cell": 300}, groups=groups)
        save(tmp_path / "b.lock", {"cell": 280}, groups=groups)
        assert main(["compare", str(tmp_path / "a.lock"), str(tmp_path / "b.lock")]) == 0
        chances.append(float(capsys.readouterr().out.splitlines()[2].split()[-1]))
    by_example, by_group = chances
    assert by_example < 0.001
    assert by_group > 0.05


def test_commits_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GIT_DIR", raising=False)
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "-q", "-b", "main"], check=True)
    for count in (300, 280):
        save(tmp_path / "mlexp.lock", {"cell": count})
        subprocess.run(["git", "add", "-A"], check=True)
        subprocess.run(["git", *identity, "commit", "-q", "-m", str(count)], check=True)
    assert main(["compare", "main~1..HEAD"]) == 0
    assert "compares what is here" not in capsys.readouterr().out
    save(tmp_path / "mlexp.lock", {"cell": 200})
    assert main(["compare", "main~1..HEAD"]) == 0
    out = capsys.readouterr().out
    assert "0.7500 0.7000 -0.0500" in " ".join(out.split())
    assert out.endswith("\nmlexp.lock here is not as it is in HEAD: mlexp compare main~1.. compares what is here\n")
    assert main(["compare", "HEAD..main~1"]) == 0
    assert "compares what is here" not in capsys.readouterr().out
    assert main(["compare", "main.."]) == 0
    assert "0.7000 0.5000 -0.2000" in " ".join(capsys.readouterr().out.split())


def test_other_data_is_shown_and_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "a.lock", {"cell": 300})
    save(tmp_path / "b.lock", {"cell": 280}, dataset="other")
    assert main(["compare", str(tmp_path / "a.lock"), str(tmp_path / "b.lock")]) == 0
    assert "other data or evaluator" in capsys.readouterr().out


def test_timings_are_compared_also_where_another_evaluator_was_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for evaluator, seconds in (("f", 1.0), ("other", 2.0)):
        timing = Accepted(seconds, 0.0, (seconds,) * 3, "runs", hardware="here")
        metrics = {name: LockedMetric(False, timing) for name in ("fit_seconds", "cost")}
        entry = LockedCell("d", "s", evaluator, 1, metrics=metrics)
        write(tmp_path / f"{evaluator}.lock", merged(Lock(), [Acceptance("toy", "cell", entry)]), {})
    assert main(["compare", str(tmp_path / "f.lock"), str(tmp_path / "other.lock")]) == 0
    lines = {line.split()[2]: line for line in capsys.readouterr().out.splitlines() if line.startswith("toy: cell ")}
    assert "-1.0000" in lines["fit_seconds"]
    assert lines["cost"].endswith("other data or evaluator")


def test_other_hardware_is_shown_and_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "a.lock", {"cell": 300}, hardware="one")
    save(tmp_path / "b.lock", {"cell": 280}, hardware="other")
    assert main(["compare", str(tmp_path / "a.lock"), str(tmp_path / "b.lock")]) == 0
    line = capsys.readouterr().out.splitlines()[2]
    assert line.split() == ["toy:", "cell", "share", "0.7500", "0.7000", "other", "hardware"]


def test_sessions_are_compared_by_what_they_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    for session, right in (("monday", 300), ("tuesday", 280)):
        folder = tmp_path / ".mlexp" / "sessions" / session
        folder.mkdir(parents=True)
        save(folder / "accepted" / "mlexp.lock", {"a": right})
    assert main(["compare", "monday..tuesday"]) == 0
    assert capsys.readouterr().out.splitlines()[2].split()[2:6] == ["share", "0.7500", "0.7000", "-0.0500"]
    assert main(["compare", "monday", "tuesdy"]) == 2
    assert "did you mean 'tuesday'? Known: monday, tuesday" in capsys.readouterr().err
    assert main(["compare", "mlflow:monday", "tuesday", "--tracking-uri=off"]) == 2


@pytest.mark.parametrize("names", [["nothing..here"], ["one"], ["a", "b", "c"]])
def test_what_cannot_be_found_is_said(
    names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *names]) == 2
    assert capsys.readouterr().err.startswith("mlexp: ")


def test_an_empty_file_is_no_lock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.lock").write_text("\n", encoding="utf-8")
    assert main(["compare", str(tmp_path / "a.lock"), str(tmp_path / "a.lock")]) != 0
    assert "a.lock is empty, so it is no lock" in capsys.readouterr().err


def test_locks_branches_and_tags_that_there_are_come_with_a_name_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("deep", ".mlexp/artifacts/0"):
        (tmp_path / folder).mkdir(parents=True)
        save(tmp_path / folder / "mlexp.lock", {"a": 1})
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    for command in (["init", "-q", "-b", "trunk"], ["add", "."], [*who, "commit", "-qm", "one"], ["tag", "v1"]):
        subprocess.run(["git", *command], check=True)
    assert main(["compare", "trunc..v1"]) == 2
    assert "did you mean 'trunk'? Known: deep/mlexp.lock, trunk, v1" in capsys.readouterr().err
    assert main(["compare", "trunk..v1"]) == 2
    assert "has no mlexp.lock: did you mean 'deep/mlexp.lock'?" in capsys.readouterr().err


def test_reproduce_without_a_run_lists_sessions_or_says_how_to_have_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce"]) == 0
    assert "pytest --mlexp records one" in capsys.readouterr().out
