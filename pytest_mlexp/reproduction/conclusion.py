"""A comparison as a table, the worst first, with the causes and a line of conclusion."""

from __future__ import annotations

from collections import Counter

from pytest_mlexp.reproduction.causes import KINDS, OTHER_CODE
from pytest_mlexp.reproduction.comparing import GOOD, STATUSES, Compared, Finding

LONGEST = 100


def differences(compared: Compared) -> str:
    """What is not as recorded, one line each, best evidence first; empty when nothing is."""
    return "\n".join(f"  {one}" for one in compared.causes)


def table(compared: Compared) -> str:
    """One row a metric, the worst first, with the likely cause."""
    from tabulate import tabulate

    rows = [_row(finding) for finding in compared.findings]
    return tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True)


def reasons(compared: Compared) -> str:
    """Why cells failed or did not run again, in whole: the table has room for the likely cause alone."""
    cells: dict[tuple[str, str], list[str]] = {}
    for one in compared.findings:
        if one.note and one.status not in GOOD:
            cells.setdefault((one.status, one.note), []).append(f"{one.experiment}: {one.cell}")
    more = {key: f" and {len(names) - 1} more" if len(names) > 1 else "" for key, names in cells.items()}
    return "".join(f"{key[0]}: {names[0]}{more[key]}: {key[1]}\n" for key, names in cells.items())


def conclusion(compared: Compared) -> str:
    """One line: whether the run could be had again, and why not."""
    counts = Counter(finding.status for finding in compared.findings)
    told = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    if not compared.findings:
        return "not reproduced: there was nothing to compare"
    if compared.reproduced:
        return f"reproduced: {told}{_although(compared)}"
    causes = [finding.causes[0] for finding in compared.findings if finding.status not in GOOD and finding.causes]
    likely = min(causes, default=None)
    return f"not reproduced: {told}" + (f"; likely cause: {_short(str(likely))}" if likely is not None else "")


def _although(compared: Compared) -> str:
    """What differs in the cells or the code, though it changed no number."""
    strong = [found for found in compared.causes if found.rank <= KINDS.index(OTHER_CODE)]
    return f", although {strong[0]}" if strong else ""


def _row(finding: Finding) -> dict[str, str]:
    difference = finding.again - finding.logged if finding.logged is not None and finding.again is not None else None
    return {
        "cell": f"{finding.experiment}: {finding.cell}",
        "metric": finding.metric,
        "logged": _number(finding.logged),
        "again": _number(finding.again),
        "difference": "" if difference is None else f"{difference:+.3g}" if difference else "0",
        "status": finding.status,
        "likely cause": _short(str(finding.causes[0]) if finding.causes else finding.note),
    }


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
