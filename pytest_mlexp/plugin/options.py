"""The options and ini settings that a user sees."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.naming import nearest
from pytest_mlexp.plugin.baseline import baseline_of

if TYPE_CHECKING:
    from pytest_mlexp.provenance.files.opened import Opened

INI = {
    "mlexp_devices": "devices to run on when --mlexp-devices is not given (default: auto)",
    "mlexp_tracking_uri": "MLflow store when neither --mlexp-tracking-uri nor MLFLOW_TRACKING_URI is given",
    "mlexp_experiment_folder": "where experiments stand on Databricks, as /Shared; MLEXP_EXPERIMENT_FOLDER comes first",
    "mlexp_baseline": "accepted state to compare with when --mlexp-baseline is not given (default: mlexp.lock)",
    "mlexp_store": "folder that keeps outcomes for later sessions; 'off' keeps none (default: .mlexp/store)",
    "mlexp_accept_runs": "how many runs with fresh seeds --mlexp-accept makes of a cell with a margin (default: 5)",
    "mlexp_alpha": "error rate of all comparisons of a session together, 0.001 to 0.1 (default: 0.05)",
}


@dataclass(frozen=True)
class Options:
    """What the command line, the environment and the ini file ask for."""

    active: bool
    devices: tuple[str, ...]
    tracking_uri: str | None
    baseline: Path
    accept: bool = False
    accept_in_ci: bool = False
    accept_runs: int = 5
    reset_anchors: bool = False
    experiment_folder: str | None = None
    store: str = ""
    fresh: bool = False
    explain: bool = False
    alpha: float = 0.05
    report: Path | None = None


OPTIONS = pytest.StashKey[Options]()
OPENED: pytest.StashKey[Opened] = pytest.StashKey()
_NEEDS = {
    "--mlexp-baseline": "--mlexp",
    "--mlexp-fresh": "--mlexp",
    "--mlexp-explain": "--mlexp",
    "--mlexp-report": "--mlexp",
    "--mlexp-accept-in-ci": "--mlexp-accept",
    "--mlexp-reset-anchors": "--mlexp-accept",
}


def add_options(parser: pytest.Parser) -> None:
    """Register options and ini settings."""
    group = parser.getgroup("mlexp", "experiments as tests (pytest-mlexp)")
    group.addoption("--mlexp", action="store_true", help="run the cells of experiments, not only the other tests")
    group.addoption(
        "--mlexp-devices",
        metavar="DEVICES",
        help="where models that ask for a device run: auto, cpu, cuda, cuda:N, mps, or several with commas",
    )
    group.addoption(
        "--mlexp-tracking-uri",
        metavar="URI",
        help="MLflow store to record in; 'off' records nothing (default: MLFLOW_TRACKING_URI, else an embedded store)",
    )
    group.addoption(
        "--mlexp-baseline",
        metavar="PATH",
        help="what to compare with: a file, or mlflow: and a SESSION, RUN or MODEL@ALIAS (default: mlexp.lock)",
    )
    group.addoption(
        "--mlexp-accept",
        action="store_true",
        help="run the selected cells anew and accept them into the lock; fails in CI, without writing",
    )
    group.addoption(
        "--mlexp-accept-in-ci",
        action="store_true",
        help="let --mlexp-accept write in CI (CI, BUILD_NUMBER or TF_BUILD)",
    )
    group.addoption(
        "--mlexp-reset-anchors",
        action="store_true",
        help="the margins were reviewed: what --mlexp-accept accepts now becomes the anchor as well",
    )
    group.addoption(
        "--mlexp-fresh", action="store_true", help="run every trial, whatever is kept of it from earlier sessions"
    )
    group.addoption("--mlexp-explain", action="store_true", help="say why trials and evaluations were reused or made")
    group.addoption("--mlexp-report", metavar="FILE", help="write a report on the session: .html, or Markdown")
    group.addoption(
        "--mlexp-contracts",
        choices=("fast", "thorough", "explore"),
        default="fast",
        help="how hard contracts look: fast (default), thorough (more cases and slow laws), explore (at random)",
    )
    for name, text in INI.items():
        parser.addini(name, text, default="")


def check_together(config: pytest.Config) -> None:
    """Refuse an option that was typed where it does nothing; in ``addopts`` it may wait for the option it needs.

    Raises:
        pytest.UsageError: the message names what to add.
    """
    accept = config.getoption("mlexp_accept")
    given = {"--mlexp-accept": accept, "--mlexp": accept or config.getoption("mlexp")}
    for argument in map(str, config.invocation_params.args):
        option = argument.partition("=")[0]
        needed = _NEEDS.get(option)
        if needed is not None and not given[needed]:
            raise pytest.UsageError(f"{option} does nothing without {needed}: add it, or leave {option} out")


def check_spelling(parser: pytest.Parser, arguments: Sequence[str]) -> None:
    """Refuse an option that looks like ours but is none, with the likely one, which pytest does not name.

    Raises:
        pytest.UsageError: the message names the options that there are.
    """
    known, unknown = parser.parse_known_and_unknown_args(list(arguments))
    ours = [f"--{name.replace('_', '-')}" for name in vars(known) if name.startswith("mlexp")]
    for option in (word.partition("=")[0] for word in unknown):
        if option.startswith("--mlexp") and option not in ours:
            raise pytest.UsageError(f"there is no option {option}: {nearest(option, ours)}")


def value_of(config: pytest.Config, name: str) -> tuple[object, object]:
    """The values of the option and of the ini setting of pytest that have a name; None for what there is not."""
    with suppress(KeyError, ValueError):
        return config.getoption(name, None), config.getini(name)
    return config.getoption(name, None), None


def options_of(config: pytest.Config) -> Options:
    """The options of a session, read and checked when they are asked for first.

    Raises:
        pytest.UsageError: an unknown device, an address that is no MLflow store's, or an unknown setting.
    """
    if OPTIONS not in config.stash:
        config.stash[OPTIONS] = _read(config)
    return config.stash[OPTIONS]


def _read(config: pytest.Config) -> Options:
    from pytest_mlexp.blocks.device import parse_devices
    from pytest_mlexp.tracking.address import absolute, check_uri, experiment_folder

    active = bool(config.getoption("mlexp") or config.getoption("mlexp_accept"))
    if active:
        _check_names(str(config.inipath), _names_in(config.inipath) if config.inipath is not None else ())
        for given in config.getoption("override_ini") or ():
            _check_names(f"-o {given}", [given.partition("=")[0]])
    devices = _first(
        ("--mlexp-devices", config.getoption("mlexp_devices")),
        (f"{config.inipath}: mlexp_devices", config.getini("mlexp_devices")),
    )
    uri = _first(
        ("--mlexp-tracking-uri", config.getoption("mlexp_tracking_uri")),
        ("MLFLOW_TRACKING_URI", os.environ.get("MLFLOW_TRACKING_URI")),
        (f"{config.inipath}: mlexp_tracking_uri", config.getini("mlexp_tracking_uri")),
    )
    where, folder = devices[0], None
    try:
        places = parse_devices(devices[1] or "auto")
        where = uri[0]
        if active:
            check_uri(uri[1])
            folder = experiment_folder(uri[1], config.getini("mlexp_experiment_folder"))
    except SettingsError as error:
        raise pytest.UsageError(f"{where}: {error}") from None
    accept = bool(config.getoption("mlexp_accept"))
    return Options(
        active,
        places,
        absolute(uri[1]),
        baseline_of(config, uri[1], accept=accept),
        accept,
        bool(config.getoption("mlexp_accept_in_ci")),
        _runs(config.getini("mlexp_accept_runs")),
        bool(config.getoption("mlexp_reset_anchors")),
        folder,
        config.getini("mlexp_store"),
        accept or bool(config.getoption("mlexp_fresh")),
        bool(config.getoption("mlexp_explain")),
        _alpha(config.getini("mlexp_alpha"), active=active),
        _report(config, active=active),
    )


def _report(config: pytest.Config, *, active: bool) -> Path | None:
    if not (active and (given := config.getoption("mlexp_report"))):
        return None
    from pytest_mlexp.reporting.report import check_format

    path: Path = config.invocation_params.dir / given
    if path.is_dir():
        raise pytest.UsageError(f"--mlexp-report: {path} is a folder: name a file in it, report.html for instance")
    try:
        check_format(path)
    except SettingsError as error:
        raise pytest.UsageError(f"--mlexp-report: {error}") from None
    return path


def _runs(text: str) -> int:
    if text and not (text.isdigit() and int(text) > 0):
        raise pytest.UsageError(f"mlexp_accept_runs = {text!r} must be a whole number of runs, 5 for instance")
    return int(text or 5)


def _alpha(text: str, *, active: bool) -> float:
    if not (text and active):
        return 0.05
    from pytest_mlexp.gates.alpha import check_alpha

    try:
        return check_alpha(float(text))
    except SettingsError as error:
        raise pytest.UsageError(f"mlexp_alpha = {text!r}: {error}") from None
    except ValueError:
        raise pytest.UsageError(f"mlexp_alpha = {text!r} must be a number, 0.05 for instance") from None


def _first(*places: tuple[str, str | None]) -> tuple[str, str | None]:
    """The first place that says something, and what it says."""
    return next(((where, value) for where, value in places if value), ("", None))


def _check_names(where: str, names: Iterable[str]) -> None:
    """Refuse settings that look like ours but are none."""
    for name in names:
        if name.startswith("mlexp") and name not in INI:
            raise pytest.UsageError(f"{where}: there is no setting {name!r}: {nearest(name, INI)}")


def _names_in(file: Path) -> Iterable[str]:
    if file.suffix == ".toml":
        import tomllib

        tables: Any = tomllib.loads(file.read_text(encoding="utf-8"))
        pytests = tables.get("tool", tables).get("pytest", {})
        return [*pytests, *pytests.get("ini_options", {})]
    from iniconfig import IniConfig

    sections = IniConfig(str(file))
    return [name for section in ("pytest", "tool:pytest") if section in sections for name in sections[section]]
