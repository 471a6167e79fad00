"""Functions marked ``mlexp_contracts`` -> one test per block and law."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, get_args

import pytest

from pytest_mlexp.contracts.cases import Effort
from pytest_mlexp.contracts.checks import Check, broken_in_order, checks_of, likeliest_cause, may_follow
from pytest_mlexp.contracts.refusals import told
from pytest_mlexp.contracts.report import CheckRecord, counts
from pytest_mlexp.errors import ContractError, DeclarationError
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.records import from_dict, to_dict

RECORD = pytest.StashKey[CheckRecord]()
MOST_NAMED = 8
FEW = 3  # broken laws of one block that are all shown in full


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
        record = self._item.stash[RECORD] = self._run()
        if record.status == "failed":
            raise ContractError(record.message)
        if record.status == "not_applicable":
            pytest.skip(f"not applicable: {record.message}")
        if record.status == "excused":
            pytest.xfail(record.message)
        return record

    def check_verified(self) -> None:
        """Refuse a test that asked for nothing.

        Raises:
            ContractError: ``verify`` was not called.
        """
        __tracebackhide__ = True
        if RECORD not in self._item.stash:
            raise ContractError(f"{self._item.name} checked nothing: call contract.verify() in the test")

    def _run(self) -> CheckRecord:
        """What the check says; that a block cannot be made, as where a factory raises, goes on record too."""
        __tracebackhide__ = True
        try:
            return self._check.run()
        except Exception as error:
            self._item.stash[RECORD] = CheckRecord(self.block, self.law, "failed", str(error), told(error))
            raise


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


class OneLine:
    """A failure as pytest shows it: one line among the failures, and the same one in the short summary."""

    def __init__(self, line: str, reprcrash: Any) -> None:
        self._line = line
        self.reprcrash = reprcrash
        if reprcrash is not None:
            reprcrash.message = line

    def toterminal(self, writer: Any) -> None:
        """Write the line."""
        writer.line(self._line, red=True)


def shorten(reporter: pytest.TerminalReporter) -> None:
    """Where a block breaks many laws, show the likeliest cause in full and of the others one line each."""
    failed: dict[str, list[tuple[Any, CheckRecord]]] = defaultdict(list)
    for report in reporter.stats.get("failed", []):
        if (data := getattr(report, "mlexp_contract", None)) is not None and data["seen"]:
            failed[data["block"]].append((report, from_dict(data, CheckRecord)))
    for reports in failed.values():
        cause = likeliest_cause(record for _, record in reports)
        for report, record in reports if len(reports) > FEW else []:
            if record != cause:
                report.longrepr = OneLine(one_line(record), getattr(report.longrepr, "reprcrash", None))
                report.sections = []
    reporter.stats.get("failed", []).sort(key=lambda report: isinstance(report.longrepr, OneLine))


def summarize(reporter: pytest.TerminalReporter, carried: Iterable[dict[str, Any]]) -> None:
    """Write for each block how many laws were run, passed, excused and not applicable, and where to start."""
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
        if start := where_to_start(records, verbose=reporter.verbosity > 0):
            reporter.write_line(f"{'':<{width}}  {start}", red=True)


def where_to_start(records: Sequence[CheckRecord], *, verbose: bool) -> str:
    """Of several laws that one block breaks the most basic one, as a cause only of those that may follow from it."""
    broken = broken_in_order(records)
    if len(broken) < 2:
        return ""
    shown = "" if verbose or len(broken) <= FEW else "; -v shows them in full"
    cause, *others = broken
    if len({record.message for record in broken}) == 1:
        return f"all for one reason: {one_line(cause)}{shown}"
    following = may_follow(cause, others)
    if not following:
        return f"broken, the most basic first: {_names(broken)}{shown}"
    apart = [record for record in others if record not in following]
    besides = f"; besides: {_names(apart)}" if apart else ""
    several = "s" if len(following) > 1 else ""
    return f"start with {cause.law}: {len(following)} other{several} may follow from it{besides}{shown}"


def _names(records: Sequence[CheckRecord]) -> str:
    """The names of laws, of many the first."""
    more = f" and {len(records) - MOST_NAMED} more" if len(records) > MOST_NAMED else ""
    return ", ".join(record.law for record in records[:MOST_NAMED]) + more


def one_line(record: CheckRecord) -> str:
    """What was expected of a broken law, and what was seen, in one line."""
    expected = [line for line in record.message.splitlines() if line.startswith("expected: ")]
    return " ".join([*(f"{line}; seen:" for line in expected[:1]), *record.seen.split()])
