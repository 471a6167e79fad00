"""What earlier sessions computed: ``mlexp_store``, ``--mlexp-fresh``, ``--mlexp-explain`` and ``mlexp store``."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pytest_mlexp.cli import main
from pytest_mlexp.execution.segments import read as read_segment
from pytest_mlexp.tracking.journal import read
from tests.plugin.conftest import BLOCKS, TESTS, TRIALS, Project, fitted, rewrite


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_what_did_not_change_is_reused_and_says_so(project: Project, workers: tuple[str, ...]) -> None:
    first = fitted(project, *workers, expected=TRIALS)
    assert "trials reused" not in first
    again = fitted(project, *workers, "--mlexp-explain", expected=0)
    assert f"* {TRIALS} of {TRIALS} trials reused" in again
    assert again.count("unchanged") >= 2
    forced = fitted(project, *workers, "--mlexp-fresh", "--mlexp-explain", expected=TRIALS)
    assert forced.count("forced") >= 2


def test_a_file_that_a_model_reads_is_seen(project: Project) -> None:
    (project.root / "limit.txt").write_text("9")
    rewrite(project, "return Threshold(at)", 'return Threshold(float((HERE / "limit.txt").read_text()))')
    fitted(project, expected=TRIALS)
    fitted(project, expected=0)
    (project.root / "limit.txt").write_text("8")
    assert "file changed: limit.txt" in fitted(project, "--mlexp-explain", expected=TRIALS)


OPTIONS = """
import blocks

def pytest_addoption(parser):
    parser.addoption("--at", type=int, default=0)
    parser.addini("noise", "how much", default="1")

def pytest_configure(config):
    blocks.SHIFT[0] = config.getoption("--at") * float(config.getini("noise"))
"""


def test_an_option_that_a_hook_hands_to_a_model_counts(project: Project) -> None:
    rewrite(project, "class Threshold:", "SHIFT = [0.0]\n\nclass Threshold:")
    rewrite(project, "X[:, 0] > self.at", "X[:, 0] > SHIFT[0] + self.at")
    (project.root / "conftest.py").write_text(OPTIONS)
    fitted(project, expected=TRIALS)
    fitted(project, "-v", "--at=0", expected=0)
    assert "option changed: at" in fitted(project, "--mlexp-explain", "--at=1", expected=TRIALS)
    assert "option changed: noise" in fitted(project, "--mlexp-explain", "-o", "noise=2", expected=TRIALS)


def test_a_declared_file_counts_for_the_model_that_declares_it(project: Project) -> None:
    (project.root / "weights.bin").write_bytes(b"1")
    rewrite(project, '{"at": [9, 5]}', '{"at": [9, 5]}, depends_on=["weights.bin"]')
    fitted(project, expected=TRIALS)
    (project.root / "weights.bin").write_bytes(b"2")
    assert "declared changed: weights.bin" in fitted(project, "--mlexp-explain", expected=TRIALS)


def flip(path: Path, end: int) -> None:
    content = bytearray(path.read_bytes())
    content[end - 20] ^= 1
    path.write_bytes(content)


def cut(path: Path, end: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: end - 20] + content[end:])


@pytest.mark.parametrize("damage", [flip, cut])
def test_a_broken_entry_is_told_and_computed_again(project: Project, damage: Callable[[Path, int], None]) -> None:
    fitted(project, expected=TRIALS)
    segment = next((project.root / ".mlexp" / "store" / "segments").iterdir())
    damage(segment, max(r.told[0] + r.told[1] for r in read_segment(segment).records if "/evaluations/" not in r.place))
    told = fitted(project, "--mlexp-explain", expected=1)
    assert len(re.findall(r"  run  +kept result was broken\n", told)) == 1
    notes = re.findall(r"note: .*", told)
    assert len(notes) == 1, notes
    assert "was broken" in notes[0] or "1 kept record is broken" in notes[0]
    fitted(project, expected=0)


def test_the_setting_switches_it_off_or_shares_it(project: Project, tmp_path: Path) -> None:
    fitted(project, "-o", "mlexp_store=off", expected=TRIALS)
    assert not (project.root / ".mlexp" / "store").exists()
    fitted(project, "-o", f"mlexp_store={tmp_path / 'shared'}", expected=TRIALS)
    fitted(project, expected=TRIALS)
    fitted(project, "-o", f"mlexp_store={tmp_path / 'shared'}", expected=0)


def test_a_session_that_stops_at_a_failure_is_gone_on_with(project: Project) -> None:
    project.write(tests=TESTS.replace("assert evaluation.metrics", "assert not evaluation.metrics"))
    project.pytest("--mlexp", "-x", process=True).assert_outcomes(failed=1)
    assert len(project.fits()) == TRIALS // 2
    project.write()
    fitted(project, expected=TRIALS // 2)


def test_failures_are_not_kept(project: Project) -> None:
    project.write_broken()
    for _ in range(2):
        project.pytest("--mlexp", process=True).assert_outcomes(passed=4, failed=2)
    assert project.fits().count("broken") == 2


def test_what_was_kept_without_probabilities_is_run_again_for_them(project: Project) -> None:
    project.write(blocks="\nfrom sklearn.naive_bayes import GaussianNB\nsample.model(GaussianNB())\n")
    project.pytest("--mlexp", process=True).assert_outcomes(passed=6)
    loss = """
@sample.evaluator(minimize="loss")
def confidence(y_true, y_proba):
    return float(1 - y_proba.max(axis=1).mean())

from sklearn.naive_bayes import GaussianNB
sample.model(GaussianNB())
"""
    (project.root / "blocks.py").write_text(BLOCKS + loss)
    told = project.pytest("--mlexp", "--mlexp-explain", "-k", "GaussianNB", process=True).stdout.str()
    assert "asks for predict_proba, which was not kept" in told


def last_session(project: Project) -> Path:
    return max((project.root / ".mlexp" / "sessions").iterdir(), key=lambda folder: folder.stat().st_mtime_ns)


def files_of(project: Project) -> dict[str, bytes]:
    """The files of the last session's cells by name, checked to be there."""
    folder = last_session(project)
    cells = read(folder).cells
    assert all("predictions.parquet" in cell.artifacts for cell in cells)
    return {path: (folder / path).read_bytes() for cell in cells for path in cell.artifacts.values()}


def test_files_of_cells_are_found_with_their_evaluations(project: Project, template: Path) -> None:
    project.ready_store(template)
    found, files = [], []
    rewrite(project, "import numpy as np", "import numpy as np\nfrom pytest_mlexp import Evaluation")
    scored = "return Evaluation({'accuracy': np.mean(y_true == y_pred)}, scores={'drawn': list(map(float, y_pred))})"
    rewrite(project, "return float(np.mean(y_true == y_pred))", scored)
    for change in (None, None, ("float, y_pred", "int, y_pred")):
        if change is not None:
            rewrite(project, *change)
        project.pytest("--mlexp", tracking=None, process=True).assert_outcomes(passed=4)
        cells = read(last_session(project)).cells
        found.append({cell.evaluator: cell.found for cell in cells})
        files.append(files_of(project))
    new = dict.fromkeys(("hits", "mistakes"), False)
    assert found == [new, dict.fromkeys(new, True), {"hits": False, "mistakes": True}]
    assert files[0] == files[1]
    assert files[0].keys() == files[2].keys()
    assert project.fits().count("threshold=9") == TRIALS // 2


def test_an_evaluation_that_is_made_anew_brings_its_own_files(project: Project, template: Path) -> None:
    project.ready_store(template)
    rewrite(project, "import numpy as np", "import os\nimport numpy as np\nfrom pytest_mlexp import Evaluation")
    drawn = "return Evaluation({'accuracy': (d := float.fromhex(os.urandom(6).hex()))}, scores={'drawn': [d] * 10})"
    rewrite(project, "return float(np.mean(y_true == y_pred))", drawn)
    for lost in ((), ("evaluations",)):
        for name in lost:
            forget(project.root / ".mlexp" / "store", name)
        project.pytest("--mlexp", tracking=None, process=True).assert_outcomes(passed=4)
        folder = last_session(project)
        for cell in read(folder).cells:
            if cell.evaluator == "hits":
                table = pq.read_table(folder / cell.artifacts["predictions.parquet"])
                assert set(table["score_drawn"].to_pylist()) == set(cell.metrics["accuracy"].values)


def forget(store: Path, name: str) -> None:
    """Take the entries of a kind out of a store."""
    for segment in (store / "segments").iterdir():
        kept = [record for record in read_segment(segment).records if f"/{name}/" not in record.place]
        content = segment.read_bytes()
        segment.write_bytes(b"".join(content[one.start : one.start + one.size] for one in kept))


ASKING = """
@sample.evaluator(minimize="brier")
def brier(y_true, y_proba):
    return float(np.mean((y_true - y_proba[:, 1]) ** 2))
"""
PROBABILITIES = """
    def predict_proba(self, X):
        return np.eye(2)[self.predict(X)]

@sample.model"""


def test_where_everything_is_reused_no_model_is_built_to_ask_what_it_offers(project: Project) -> None:
    project.write(blocks=ASKING)
    rewrite(project, "return Threshold(at)", 'note("built")\n    return Threshold(at)')
    rewrite(project, "\n@sample.model", PROBABILITIES)
    for built in (True, False):
        before = len(project.fits())
        project.pytest("--mlexp", process=True).assert_outcomes(passed=6)
        assert ("built" in project.fits()[before:]) is built


def test_the_command_shows_and_prunes(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted(project, expected=TRIALS)
    os.chdir(project.root)
    assert main(["store"]) == 0
    assert re.search(rf"sample +{TRIALS} ", capsys.readouterr().out)
    later = time.time() + 40 * 86_400
    beside = project.root / ".mlexp" / "store" / "notes.txt"
    beside.write_text("mine")
    assert main(["store", "--prune"]) == 0
    assert "removed 0 entries" in capsys.readouterr().out
    monkeypatch.setattr(time, "time", lambda: later)
    assert main(["store", "--prune"]) == 0
    assert re.search(rf"removed ({TRIALS}|{TRIALS + 1}) entries", capsys.readouterr().out)
    assert beside.exists()
    assert main(["store", "--store", "nowhere"]) == 2
    assert "there is no store at nowhere" in capsys.readouterr().err
    fitted(project, expected=TRIALS)
