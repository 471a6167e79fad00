"""Running recorded cells again, in a process of their own, and reading the journal that it wrote."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.reproduction.logged import Logged
from pytest_mlexp.tracking.embedded import default_uri
from pytest_mlexp.tracking.environment import REPRODUCES, result_variables
from pytest_mlexp.tracking.journal import STATE_FOLDER, JournalContents, ignore_in_git, read
from pytest_mlexp.tracking.secrets import HIDDEN

FRESH = "--mlexp-fresh"
NOTEBOOKS = ("ipykernel_launcher", "colab_kernel_launcher", "ipykernel", "ipython")
# They name devices of one machine, by numbers that mean others elsewhere.
_OF_THE_MACHINE = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
_OF_THIS_RUN = ("MLFLOW_RUN_ID", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_TESTRUNUID")
_KEPT = ("-c", "--config-file", "-o", "--override-ini", "--import-mode", "--confcutdir")
CLOCK_SECONDS = 2.0  # file systems round the time of a change
_CELL_IS_GONE = 4  # what pytest exits with when it does not find a test


@dataclass(frozen=True)
class Setting:
    """Where cells are run again.

    Attributes:
        top: the checkout to run in.
        python: the interpreter.
        state: a folder for the log and the embedded store.
        isolated: whether recorded environment variables are set, and PYTHONPATH is the record's alone.
        original: the checkout that ``top`` is a worktree of, for what PYTHONPATH says of it.
    """

    top: Path
    python: str
    state: Path
    isolated: bool
    original: Path

    @property
    def log(self) -> Path:
        """What the process said."""
        return self.state / "log.txt"


@dataclass(frozen=True)
class Again:
    """What ran again; ``gone`` are the tests that are not there any more."""

    contents: JournalContents
    gone: tuple[str, ...] = ()


def run_again(logged: Logged, setting: Setting) -> Again:
    """Run the cells again.

    Raises:
        SettingsError: what ran them cannot be started again, or it recorded nothing.
    """
    mark = f"{logged.session.session} {uuid.uuid4().hex[:8]}"
    root, cwd = _folders(logged, setting)
    ignore_in_git(root / STATE_FOLDER)  # also tells the script where the project begins
    setting.state.mkdir(parents=True, exist_ok=True)
    ignore_in_git(setting.state)
    variables = _variables(logged, setting, mark)
    gone: tuple[str, ...] = ()
    started = time.time()
    if logged.nodes:
        gone = _pytest(logged, setting, (root, cwd), variables)
    else:
        _start(setting, script_of(logged), cwd, variables)
    if gone == logged.nodes != ():
        return Again(JournalContents(None, (), (), None), gone)
    return Again(_written(root, mark, started, setting), gone)


def _folders(logged: Logged, setting: Setting) -> tuple[Path, Path]:
    found = [setting.top / str(logged.place.get(name, ".")) for name in ("root", "cwd")]
    return found[0], found[1] if found[1].is_dir() else found[0]


def _pytest(
    logged: Logged, setting: Setting, folders: tuple[Path, Path], variables: Mapping[str, str]
) -> tuple[str, ...]:
    root, cwd = folders
    devices = ",".join(dict.fromkeys(cell.device for cell in logged.cells))
    options = [f"--rootdir={root}", "--mlexp", f"--mlexp-devices={devices}", f"--mlexp-tracking-uri={_uri(setting)}"]
    fresh = [FRESH] if _knows_fresh(setting, cwd, variables) else []
    command = ["-m", "pytest", *_kept(logged.session.command), *options, *fresh]
    status = _start(setting, [*command, _listed(setting, root, logged.nodes)], cwd, variables)
    if status != _CELL_IS_GONE:
        return ()
    functions = list(dict.fromkeys(node.partition("[")[0] for node in logged.nodes))
    there = _collected(setting, [*command, _listed(setting, root, functions)], cwd, variables)
    left = [node for node in logged.nodes if node in there]
    if left:
        _start(setting, [*command, _listed(setting, root, left)], cwd, variables)
    return tuple(node for node in logged.nodes if node not in there) if there else ()


def _kept(command: Sequence[str]) -> list[str]:
    """The options that say how tests are found and configured, as they were given; not which, and not how shown."""
    kept: list[str] = []
    for number, word in enumerate(command):
        if word in _KEPT and number + 1 < len(command):
            kept += [word, command[number + 1]]
        elif word.partition("=")[0] in _KEPT and "=" in word:
            kept.append(word)
    return kept


def _listed(setting: Setting, root: Path, nodes: Sequence[str]) -> str:
    """The tests as an argument: in a file, which has no limit of length."""
    listing = setting.state / "tests.txt"
    listing.write_text("".join(f"{root.as_posix()}/{node}\n" for node in nodes), encoding="utf-8")
    return f"@{listing}"


def _collected(setting: Setting, command: Sequence[str], cwd: Path, variables: Mapping[str, str]) -> set[str]:
    done = subprocess.run(  # noqa: S603 - pytest itself
        [setting.python, *command, "--collect-only", "-q", "--no-header", "-p", "no:randomly"],
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return set() if done.returncode else {line.strip() for line in done.stdout.splitlines()}


def _knows_fresh(setting: Setting, cwd: Path, variables: Mapping[str, str]) -> bool:
    """Whether the pytest-mlexp over there has a store to ignore."""
    ask = "import inspect, pytest_mlexp.plugin.options as o; print(inspect.getsource(o))"
    done = subprocess.run(  # noqa: S603 - fixed code
        [setting.python, "-c", ask], cwd=cwd, env=variables, capture_output=True, text=True, check=False
    )
    return f'"{FRESH}"' in done.stdout


def script_of(logged: Logged) -> list[str]:
    """The arguments that start Python again where no pytest ran the cells.

    Raises:
        SettingsError: it was a notebook or an interactive session, or a secret is not recorded.
    """
    arguments = [str(word) for word in logged.place.get("arguments") or ()]
    name = next((word for word in NOTEBOOKS if any(word in argument for argument in arguments)), None)
    if name is not None or not arguments or arguments[-1] == "-":
        kind = "a notebook" if name is not None else "an interactive session"
        raise SettingsError(
            f"{logged.name} was started in {kind}, which no command runs again: run all of its cells there and compare "
            "by hand, or put the experiment into a module and run it with `pytest --mlexp`, which can be had again"
        )
    if any(HIDDEN in word for word in arguments):
        shown = " ".join(arguments)
        raise SettingsError(f"the command had a secret, which is not recorded: {shown}; it cannot be started again")
    return arguments


def _start(setting: Setting, arguments: Sequence[str], cwd: Path, variables: Mapping[str, str]) -> int:
    with setting.log.open("wb") as log:
        return subprocess.run(  # noqa: S603 - what the record says was run
            [setting.python, *arguments],
            cwd=cwd,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode


def _uri(setting: Setting) -> str:
    return default_uri(setting.state)


def _variables(logged: Logged, setting: Setting, mark: str) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if name not in _OF_THIS_RUN}
    inherited = [Path(entry) for entry in variables.pop("PYTHONPATH", "").split(os.pathsep) if entry]
    if setting.top == setting.original:
        entries = inherited
    else:
        recorded = [setting.top / entry for entry in logged.place.get("python_path") or ()]
        outside = [entry for entry in inherited if not entry.resolve().is_relative_to(setting.original)]
        entries = [*recorded, *(() if setting.isolated else (*_editable(logged, setting), *outside))]
        kept = {k: str(v) for k, v in (logged.environment.get("variables") or {}).items() if HIDDEN not in str(v)}
        for name in {*result_variables(variables), *kept} - {*_OF_THE_MACHINE}:
            variables.pop(name, None)
            if name in kept:
                variables[name] = kept[name]
    if entries:
        variables["PYTHONPATH"] = os.pathsep.join(map(str, dict.fromkeys(entries)))
    return {**variables, REPRODUCES: mark, "MLFLOW_TRACKING_URI": _uri(setting)}


def _editable(logged: Logged, setting: Setting) -> list[Path]:
    """The folders of the worktree that stand for what is installed editable from the checkout."""
    origins = (logged.environment.get("origins") or {}).values()
    places = [Path(o.removeprefix("editable:")) for o in origins if o.startswith("editable:")]
    inside = [setting.top / path for path in places if not path.is_absolute()]
    return [path / "src" if (path / "src").is_dir() else path for path in inside]


def _written(root: Path, mark: str, started: float, setting: Setting) -> JournalContents:
    """The journal with our mark; it may go on with that of a reproduction that was killed before."""
    marks: dict[str, JournalContents] = {}
    for path in sorted((root / STATE_FOLDER / "sessions").glob("*/journal.jsonl"), key=lambda p: p.stat().st_mtime):
        if path.stat().st_mtime >= started - CLOCK_SECONDS:
            contents = read(path.parent)
            job = contents.session.environment.get("job") if contents.session is not None else None
            marks[job.get(REPRODUCES, "") if isinstance(job, Mapping) else ""] = contents
    earlier = [found for name, found in marks.items() if name.startswith(f"{mark.split(maxsplit=1)[0]} ")]
    if mark in marks or earlier:
        return marks.get(mark) or earlier[-1]
    said = setting.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise SettingsError(
        f"nothing was recorded: no cell ran. The last lines of {setting.log}:\n  " + "\n  ".join(said[-12:])
    )
