"""Functions marked ``mlexp_contracts`` -> one test per block and law."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, get_args

import pytest

from pytest_mlexp.contracts.cases import Effort
from pytest_mlexp.contracts.checks import Check, checks_of, order_of_laws
from pytest_mlexp.contracts.report import CheckRecord, counts, start_with
from pytest_mlexp.errors import ContractError, DeclarationError
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.records import from_dict, to_dict

RECORD = pytest.StashKey[CheckRecord]()


class Contract:
    """One law of one block, as a test sees it."""

    def __init__(self, check: Check, item: pytest.Item) -> None:
        self._check = check
        self._item = item
        self.block = check.block
        self.law = check.law.name
        self.sentence = check.law.sentence

    def verify(self) -> CheckRecord:
        """Check the law.

        Raises:
            ContractError: it is broken; or it is excused and not broken.
        """
        __tracebackhide__ = True
        record = self._item.stash[RECORD] = self._check.run()
        if record.status == "failed":
            raise ContractError(record.message)
        if record.status == "not_applicable":
            pytest.skip(f"not applicable: {record.message}")
        if record.status == "excused":
            pytest.xfail(record.message)
        return record


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Parametrize ``contract`` over the blocks and laws of the marker's experiment.

    Raises:
        pytest.Collector.CollectError: the marker is not usable; the message says where and why.
    """
    where = metafunc.definition.nodeid
    marker = metafunc.definition.get_closest_marker("mlexp_contracts")
    assert marker is not None  # noqa: S101 - the hook asked already
    odd = set(marker.kwargs) - {"declares", "excuses"}
    if odd or len(marker.args) != 1 or not isinstance(marker.args[0], Experiment):
        given = ", ".join([*map(repr, marker.args), *(f"{k}={v!r:.40}" for k, v in marker.kwargs.items())])
        raise pytest.Collector.CollectError(
            f"{where}: the marker takes one Experiment, and declares= and excuses= by block: "
            f"@pytest.mark.mlexp_contracts(experiment), not mlexp_contracts({given})"
        )
    if "contract" not in metafunc.fixturenames:
        raise pytest.Collector.CollectError(
            f"{where} is marked mlexp_contracts but does not take `contract`: add that parameter"
        )
    try:
        checks = checks_of(marker.args[0], **marker.kwargs, effort=effort_of(metafunc.config))
    except DeclarationError as error:
        raise pytest.Collector.CollectError(f"{where}: {error}") from None
    metafunc.parametrize("contract", checks, ids=[check.id for check in checks], indirect=True)


def effort_of(config: pytest.Config) -> Effort:
    """What ``--mlexp-contracts`` asks for; the option itself refuses anything else."""
    effort: Effort = config.getoption("mlexp_contracts")
    assert effort in get_args(Effort)  # noqa: S101 - the option has these choices
    return effort


def carry(item: pytest.Item, report: Any) -> None:
    """Let the test's report carry what its contract said."""
    record = item.stash.get(RECORD, None)
    if report.when == "call" and record is not None:
        report.mlexp_contract = to_dict(record)


def summarize(reporter: pytest.TerminalReporter, carried: Iterable[dict[str, Any]]) -> None:
    """Write for each block how many laws were run, passed, excused and not applicable."""
    blocks: dict[str, list[CheckRecord]] = defaultdict(list)
    for data in carried:
        record = from_dict(data, CheckRecord)
        blocks[record.block].append(record)
    reporter.section("mlexp contracts")
    width = max(map(len, blocks))
    for name, records in blocks.items():
        found = counts(records)
        line = (
            f"{name:<{width}}  {found['run']} laws run: {found['passed']} passed, {found['failed']} failed, "
            f"{found['excused']} excused; {found['not_applicable']} not applicable"
        )
        nothing = found["run"] == 0
        reporter.write_line(
            line + ("  (nothing was checked)" if nothing else ""), yellow=nothing, red=bool(found["failed"])
        )
        if told := start_with([record.law for record in records if not record], order_of_laws()):
            reporter.write_line(f"{'':<{width}}  {told}", red=True)
