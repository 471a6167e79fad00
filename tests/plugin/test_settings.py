"""Settings in the ini file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\nmlexp_device = cpu\n"),
        ("setup.cfg", "[tool:pytest]\nmlexp_device = cpu\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\nmlexp_device = 'cpu'\n"),
        ("pyproject.toml", "[tool.pytest]\nmlexp_device = 'cpu'\n"),
        ("pytest.toml", "[pytest]\nmlexp_device = 'cpu'\n"),
    ],
    ids=["ini", "cfg", "toml_options", "toml", "pytest_toml"],
)
def test_a_setting_that_does_not_exist_names_the_likely_one(project: Project, name: str, text: str) -> None:
    (project.root / name).write_text(text)
    result = project.pytest("--mlexp")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *{name}: there is no setting 'mlexp_device': did you mean 'mlexp_devices'*"])


@pytest.mark.parametrize("option", ["-o", "--override-ini"])
def test_a_setting_that_does_not_exist_names_the_likely_one_also_on_the_command_line(
    project: Project, option: str
) -> None:
    result = project.pytest("--mlexp", option, "mlexp_stor=x")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: -o mlexp_stor=x: there is no setting 'mlexp_stor': did you mean 'mlexp_store'*"]
    )


@pytest.mark.parametrize("text", ["of", "OFF", "oof", '"off"'])
def test_a_store_that_is_a_misspelt_off_makes_no_folder(project: Project, text: str) -> None:
    (project.root / "pytest.ini").write_text(f"[pytest]\nmlexp_store = {text}\n")
    result = project.pytest("--mlexp")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: mlexp_store: '{text}' is no store: did you mean 'off'[?]*'./{text}'"])
    assert not (project.root / text).exists()


@pytest.mark.parametrize("text", ["kept", "./of", "offline"])
def test_a_store_may_have_any_other_name(project: Project, text: str) -> None:
    project.pytest("--mlexp", "-o", f"mlexp_store={text}").assert_outcomes(passed=4)
    assert (project.root / text).is_dir()


@pytest.mark.parametrize("text", ["0", "0.0009", "0.2", "5%"])
def test_an_alpha_that_cannot_be_is_refused_before_anything_runs(project: Project, text: str) -> None:
    (project.root / "pytest.ini").write_text(f"[pytest]\nmlexp_alpha = {text}\n")
    result = project.pytest("--mlexp")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: mlexp_alpha = '{text}'*must be a number*"])


@pytest.mark.parametrize(
    ("option", "needed"),
    [
        ("--mlexp-explain", "--mlexp"),
        ("--mlexp-fresh", "--mlexp"),
        ("--mlexp-baseline=mlexp.lock", "--mlexp"),
        ("--mlexp-reset-anchors", "--mlexp-accept"),
        ("--mlexp-accept-in-ci", "--mlexp-accept"),
    ],
)
def test_an_option_without_the_one_it_needs_is_a_usage_error(project: Project, option: str, needed: str) -> None:
    result = project.pytest(option, tracking=None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {option.partition('=')[0]} does nothing without {needed}: add it*"])


@pytest.mark.parametrize("place", ["command line", "addopts"])
def test_a_misspelt_option_names_the_likely_one(project: Project, place: str) -> None:
    option = "--mlexp-fersh=yes"
    if place == "addopts":
        (project.root / "pytest.ini").write_text(f"[pytest]\naddopts = {option}\n")
    result = project.pytest("--mlexp", *([option] if place == "command line" else ()))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: there is no option --mlexp-fersh: did you mean '--mlexp-fresh'[?] Known: --*"])


def test_an_option_of_the_team_and_what_follows_two_dashes_are_left_alone(project: Project) -> None:
    project.write(conftest="def pytest_addoption(parser):\n    parser.addoption('--mlexp-own')\n")
    project.pytest("--mlexp-own=1").assert_outcomes(skipped=4)
    told = project.pytest("--", "--mlexp-fersh").stderr.str()
    assert "there is no option" not in told


def test_every_option_and_setting_is_in_the_readme(project: Project, request: pytest.FixtureRequest) -> None:
    readme = (request.config.rootpath / "README.md").read_text(encoding="utf-8")
    shown = project.pytest("--help").stdout.str()
    names = {word.partition("=")[0] for word in shown.split() if word.startswith("--mlexp")}
    names |= {word for word in shown.split() if word.startswith("mlexp_")}
    assert {"--mlexp", "--mlexp-devices", "mlexp_devices"} <= names
    assert [name for name in sorted(names) if name not in readme] == []
