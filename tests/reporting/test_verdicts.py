from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from pytest_mlexp.records import TestRecord
from pytest_mlexp.reporting.advice import next_steps
from pytest_mlexp.reporting.verdicts import cost_of_correction, counts, judged, message, quiet_lines, verdict_table
from pytest_mlexp.verdicts import PASSING, Comparison, Status, Verdict

FOUND = Comparison(
    baseline=0.9559,
    candidate=0.935,
    baseline_interval=(0.95, 0.96),
    candidate_interval=(0.92, 0.95),
    difference=-0.0209,
    interval=(-0.0323, -0.0095),
    margin=0.01,
    p=0.0002,
    limit=0.0025,
    visible=0.0213,
    noise=(0.005, 0.003),
    examples=1000,
    runs=(5, 3),
    values=(0.93, 0.94, 0.935),
    seeds=(0, 5, 6),
    flips=(40, 19),
    gates=20,
)

STAYS_RED = "a loss stays red against the anchor; to accept it for good: --mlexp-accept --mlexp-reset-anchors"


def verdict(status: str, *, p: float = 0.5, **options: object) -> Verdict:
    found = Comparison(**{**FOUND.__dict__, "p": p})
    return Verdict(f"m {status}", "m", status, "why", 0.9, comparison=found, **options)  # type: ignore[arg-type]


def record(cell: str, *verdicts: Verdict) -> TestRecord:
    return TestRecord(cell, "e", "node", "passed", 0.1, None, verdicts)


def test_the_worst_comes_first_and_each_once() -> None:
    quiet, lost, strict = verdict("inconclusive"), verdict("regressed", p=0.001), verdict("new", strict=True)
    worse, informing = verdict("regressed", p=0.0001), verdict("breach", informs=True)
    tests = [record("a", quiet, lost), record("a", quiet), record("b", strict, worse, informing, verdict("improved"))]
    assert [(where, v.status, bool(v)) for where, v in judged(tests)] == [
        ("e: b", "regressed", False),
        ("e: a", "regressed", False),
        ("e: b", "new", False),
        ("e: b", "breach", True),
        ("e: a", "inconclusive", True),
        ("e: b", "improved", True),
    ]


def test_what_is_quiet_is_a_line_and_no_row() -> None:
    pairs = judged([record("a", verdict("inconclusive"), verdict("pass"), verdict("improved"))])
    assert "improved" in verdict_table(pairs)
    assert "inconclusive" not in verdict_table(pairs)
    assert quiet_lines(pairs) == ["inconclusive  e: a m  0.9559 -> 0.9350 (-0.0209), sees losses from 0.0213"]
    assert counts(pairs) == "passing: 1 inconclusive, 1 pass, 1 improved"
    assert verdict_table(judged([record("a", verdict("pass"))])) == ""


def test_small_metrics_show_what_was_lost() -> None:
    names = ("baseline", "candidate", "difference", "visible")
    small = {name: FOUND.__dict__[name] * 1e-4 for name in names}
    small |= {name: tuple(end * 1e-4 for end in FOUND.__dict__[name]) for name in ("interval", "baseline_interval")}
    verdict = Verdict("m", "m", "regressed", "why", comparison=Comparison(**{**FOUND.__dict__, **small}))
    block = message("e", "c", [verdict])
    assert "baseline  0.0000956  (95 %: 0.0000950 to 0.0000960)" in block
    assert "difference -0.0000021  (95 %: -0.0000032 to -0.00000" in block
    assert "sees losses from 0.0000021" in block
    assert "0.0000956 -> 0.0000935 (-0.0000021)" in verdict_table([("e: c", verdict)])


def test_what_slides_must_come_to_is_said_where_an_anchor_is_judged() -> None:
    pairs = judged([record("a", verdict("inconclusive"), verdict("inconclusive", against="anchor"))])
    assert [line.partition(", ")[2] for line in quiet_lines(pairs)] == ["sees losses from 0.0213, slides from 0.0213"]


def test_an_anchor_that_shows_nothing_is_told_where_nothing_changed_since_the_baseline() -> None:
    pairs = judged([record("a", verdict("identical"), verdict("inconclusive", against="anchor"))])
    assert quiet_lines(pairs) == ["inconclusive  e: a m (anchor)  0.9559 -> 0.9350 (-0.0209), sees losses from 0.0213"]


def test_what_is_strict_is_a_row_and_no_quiet_line() -> None:
    pairs = judged([record("a", verdict("inconclusive", strict=True))])
    assert "inconclusive" in verdict_table(pairs)
    assert quiet_lines(pairs) == []


def test_a_failure_starts_with_its_verdict_and_says_all_that_was_compared() -> None:
    lost = Verdict("m max_drop=0.01", "m", "regressed", "why", comparison=FOUND)
    assert message("e", "forest-n=30-d-q-cpu", [lost]).splitlines() == [
        "REGRESSED m 0.9559 -> 0.9350 (margin 0.01)",
        "  gate 'm max_drop=0.01' on forest-n=30-d-q-cpu of experiment 'e'",
        "  baseline  0.9559  (95 %: 0.9500 to 0.9600), 5 runs",
        "  candidate 0.9350  (95 %: 0.9200 to 0.9500), 3 runs, seeds 0, 5, 6",
        "  difference -0.0209  (95 %: -0.0323 to -0.0095), margin 0.01, 1000 paired examples",
        "  p 0.0002, fails below 0.0025 (20 comparisons share the error rate)",
        "  noise (standard error): examples 0.0050, training 0.0030",
        "  sees losses from 0.0213 (in 80 % of cases)",
        "  40 examples went from right to wrong, 19 from wrong to right",
        f"  next: find what changed, or accept the loss in a reviewed commit (--mlexp-accept; {STAYS_RED})",
    ]


@pytest.mark.parametrize("refused", [False, True])
def test_what_gates_say_alike_stands_once_and_so_does_each_advice(refused: bool) -> None:
    changed = [Verdict(f"{name} max_drop=0.01", name, "not_comparable", "evaluator changed") for name in "mn"]
    breached = [Verdict("m at_least=0.9", "m", "breach", "m is 0.8, at least 0.9 is asked")] * refused
    lines = message("e", "c", [*changed, *breached, verdict("regressed"), verdict("regressed")]).splitlines()
    assert lines.count("REGRESSED m 0.9559 -> 0.9350 (margin 0.01)") == 2
    told = lines.index("NOT COMPARABLE evaluator changed")
    assert lines[told + 1] == "  gates 'm max_drop=0.01', 'n max_drop=0.01' on c of experiment 'e'"
    accept = [
        f"  next: find what changed, or accept the loss in a reviewed commit (--mlexp-accept; {STAYS_RED})",
        "  next: if the change is meant, accept it in a reviewed commit (--mlexp-accept)",
    ]
    mend = "  next: mend the model, or change the bound in the code: --mlexp-accept accepts no number beyond it"
    assert lines[told + 2 :] == ([mend] if refused else accept)
    breach = ["BREACH m is 0.8, at least 0.9 is asked", "  gate 'm at_least=0.9' on c of experiment 'e'"]
    assert (lines[told - 2 : told] == breach) == refused


def test_a_session_says_each_command_once_for_all_its_cells() -> None:
    slid = verdict("regressed", against="anchor")
    pairs = judged(
        [
            record("a-n=30-d", verdict("regressed"), verdict("loosened"), slid),
            record("b", verdict("not_comparable"), verdict("improved"), verdict("pass")),
            record("c", verdict("new"), verdict("breach", informs=True), verdict("improved", informs=True)),
            record("d", verdict("regressed")),
            record("broken", verdict("not_comparable"), verdict("not_finite")),
            record("vanished-f", verdict("vanished")),
        ]
    )
    nodes = {"e: a-n=30-d": ["t.py::test[a-n=30-d]", "t.py::test_2[a-n=30-d]"], "e: b": ["t.py::b"], "e: c": ["c"]}
    nodes["e: d"] = ["t.py::d"]
    accept, gone, since, first, keep = [line.split(": pytest ") for line in next_steps(pairs, nodes)]
    assert accept[0] == "next: accept what is meant of 2 cells in a reviewed commit"
    assert accept[1] == f"--mlexp-accept t.py::d t.py::b  # {STAYS_RED}"
    assert gone[1] == "--mlexp-accept -k '[vanished-f]'"
    assert since[1] == "--mlexp-accept --mlexp-reset-anchors 't.py::test[a-n=30-d]' 't.py::test_2[a-n=30-d]'"
    assert first[1] == "--mlexp-accept c"
    assert keep == ["next: to keep what 1 cell gained", "--mlexp-accept t.py::b"]


def test_of_many_cells_the_command_names_none_where_they_are_all_or_the_words_that_they_alone_have() -> None:
    pairs = [(f"e: forest-n={number}-d-e1-cpu", verdict("new")) for number in range(11)]
    nodes = {where: [f"t.py::test[{where[3:]}]"] for where, _ in pairs}
    few = " ".join(f"'t.py::test[forest-n={number}-d-e1-cpu]'" for number in range(3))
    first = f"--mlexp-accept {few}  # the first 3 of 11; -k chooses more at once"

    def command(*, is_all: bool = False) -> str:
        (line,) = next_steps(pairs, nodes, is_all=is_all)
        return line.partition(": pytest ")[2]

    assert command() == first
    assert command(is_all=True) == "--mlexp-accept"
    for other, chosen in (
        ("tree-d-e1-cpu", "-k forest"),
        ("FOREST-d-e2-cpu", "-k 'forest and e1'"),
        ("forest-n=77-d-e1-cpu", first.removeprefix("--mlexp-accept ")),
    ):
        nodes[f"e: {other}"] = [f"t.py::test[{other}]"]
        pairs.append((f"e: {other}", verdict("pass")))
        assert command(is_all=True) == f"--mlexp-accept {chosen}"


def test_a_command_names_the_baseline_that_was_judged_against_where_it_can_be_accepted_into() -> None:
    lost = [("e: c", verdict("regressed"))]
    own, stored = "--mlexp-baseline=other.lock", "--mlexp-baseline=mlflow:m@top"
    assert [own in line for line in next_steps(lost, {}, baseline="other.lock")] == [True]
    assert [stored in line for line in next_steps(lost, {}, baseline="mlflow:m@top")] == [False]
    timed = [("e: c", verdict("regressed", reused=1))]
    assert [stored in line for line in next_steps(timed, {}, baseline="mlflow:m@top")] == [True]


def test_what_failed_is_counted_apart_from_what_informs_and_passes() -> None:
    found = [verdict("regressed"), verdict("regressed", informs=True), verdict("breach", informs=True), verdict("new")]
    told = counts([("e: c", one) for one in [*found, verdict("new", strict=True), verdict("pass", informs=True)]])
    assert told == ("failing: 1 regressed, 1 new; informing: 1 regressed, 1 breach; passing: 1 new, 1 pass")


def test_one_cause_in_many_cells_is_one_line() -> None:
    changed = [Verdict(f"{name} max_drop=0.1", name, "not_comparable", "dataset d changed") for name in "mn"]
    apart = Verdict("m max_drop=0.1", "m", "not_comparable", "evaluator q changed")
    tests = [record(f"c{number}", *changed) for number in range(12)]
    table = verdict_table(judged([*tests, record("d", apart), record("e", verdict("regressed"))]))
    assert table.count("dataset d changed") == 1
    assert "12 cells: e: c0, ...  2 metrics: m, ..." in table
    assert len(table.splitlines()) == 2 + 3


def test_what_is_of_no_metric_is_not_counted_as_one_and_its_reason_shows_what_changed() -> None:
    reason = "dataset 'breast_cancer' changed without a new version (still uci-1995, digest 0123abcd -> 4567cdef)"
    changed = [Verdict("m max_drop=0.1", "m", "not_comparable", reason), Verdict("x", "", "not_comparable", reason)]
    table = verdict_table(judged([record("c", *changed)]))
    assert "metrics" not in table
    assert reason in table
    assert "e: c" in verdict_table(judged([record("c", changed[1])]))


@pytest.mark.parametrize("status", [status for status in get_args(Status) if status not in PASSING])
def test_whatever_may_fail_a_cell_has_advice(status: str) -> None:
    failed = Verdict("m", "m", status, "why", strict=True)  # type: ignore[arg-type]
    assert not failed
    assert "\n  next: " in message("e", "c", [failed])


def test_a_row_without_numbers_has_its_reason() -> None:
    informing = Verdict("m at_least=0.9", "m", "breach", "m is 0.8, at least 0.9 is asked", informs=True)
    assert "m is 0.8, at least 0.9 is asked" in verdict_table(judged([record("a", informing)]))


def test_a_margin_on_what_was_not_accepted_of_an_accepted_cell_is_not_called_its_first_acceptance() -> None:
    (line,) = next_steps([("e: c", verdict("new"))], {})
    assert line.startswith("next: accept what is new of 1 cell (until then its margins hold nothing): pytest ")


def test_what_sharing_costs_is_said() -> None:
    assert cost_of_correction(0.05, 20) == (
        "20 comparisons share an error rate of 5%: each fails below p 0.0025; the smallest visible loss is about 1.5 "
        "times that of a single one"
    )


def test_training_without_noise_is_explained() -> None:
    def told(**options: object) -> str:
        found = Comparison(**{**FOUND.__dict__, "noise": (0.005, 0.0), **options})
        return message("e", "c", [Verdict("m", "m", "regressed", "why", comparison=found)])

    assert "suspicious where the factory" in told(values=(0.9, 0.9))
    assert "the runs differ" in told(values=(0.9, 0.91))
    assert "one run on each side cannot show it" in told(values=(0.9,), runs=(1, 1))
    assert "training 0.0000" not in told(noise=(0.005, 0.003))


def test_an_anchor_that_goes_on_failing_asks_for_its_reset() -> None:
    unclear = verdict("inconclusive", against="anchor", strict=True)
    command = "--mlexp-accept --mlexp-reset-anchors"
    assert f"({command})" in message("e", "c", [unclear]).splitlines()[-1]
    assert [line.rpartition(": pytest ")[2] for line in next_steps([("e: c", unclear)], {})] == [f"{command} -k '[c]'"]
    assert next_steps([("e: c", verdict("inconclusive", against="anchor"))], {}) == []


def test_a_slide_asks_at_once_for_the_reset_without_which_it_goes_on() -> None:
    both = [verdict("regressed"), verdict("regressed", against="anchor")]
    advices = [line for line in message("e", "c", both).splitlines() if "next:" in line]
    assert len(advices) == 1
    assert advices[0].endswith("(--mlexp-accept --mlexp-reset-anchors)")


def test_timings_of_an_earlier_session_are_called_so_and_to_be_taken_anew() -> None:
    for reused in (0, 2):
        slower = verdict("regressed", reused=reused)
        told = message("e", "c", [slower])
        assert ("timings of 2 of 3 runs are reused from an earlier session" in told) == bool(reused)
        assert ("next: take the timings anew" in told) == bool(reused)
        assert ("m (reused)" in verdict_table([("e: c", slower)])) == bool(reused)
        steps = next_steps([("e: c", slower), ("e: d", verdict("breach", reused=reused))], {})
        assert [line.rpartition(": pytest ")[2].split()[0] for line in steps] == [
            "--mlexp" if reused else "--mlexp-accept"
        ]


def test_what_is_not_finite_is_not_to_be_accepted_though_it_changed() -> None:
    broken = [Verdict("m", "m", "not_finite", "nan"), Verdict("n", "n", "not_comparable", "evaluator changed")]
    assert "--mlexp-accept" not in message("e", "c", broken)
    assert next_steps([("e: c", one) for one in broken], {}) == []


def test_a_baseline_that_was_read_from_mlflow_is_accepted_into_the_lock() -> None:
    lost = verdict("regressed")
    (advice,) = [line for line in message("e", "c", [lost], baseline="mlflow:m@top").splitlines() if "next:" in line]
    assert "(--mlexp-accept; without --mlexp-baseline=mlflow:m@top, into the lock file; then name the run" in advice
    assert "without" not in message("e", "c", [lost], baseline="other.lock")


def test_a_machine_of_another_pace_is_told() -> None:
    slower = {**FOUND.__dict__, "pace": 1.9}
    shown = Verdict("t", "t", "inconclusive", "why", comparison=Comparison(**slower))
    (line,) = quiet_lines([("e: c", shown)])
    assert " (a fixed piece of work took 1.9 times as long as when this was accepted: so much " in line
    failed = message("e", "c", [replace(shown, strict=True)])
    assert "took 1.9 times as long" in failed
    assert failed.endswith(
        "next: take the timings when the machine is as idle as it was when they were accepted (--mlexp-fresh)"
    )
    assert "times as long" not in message("e", "c", [verdict("regressed")])
