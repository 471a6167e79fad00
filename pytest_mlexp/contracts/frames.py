"""A model that is declared to take numbers and takes frames with words as well is looked at as one that takes these."""

from __future__ import annotations

from dataclasses import replace

from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.law import Broken, Law, NotApplicable
from pytest_mlexp.contracts.own_code import runs_own_code
from pytest_mlexp.contracts.subject import Subject


def looked_at(law: Law, subject: Subject) -> Subject:
    """The subject that a law looks at: for laws on frames, of a model that takes them unasked, one with such data."""
    if "frame" not in law.needs or subject.declares.given or subject.declares.requires_frame or not subject.trains:
        return subject
    if not subject.on_frames:
        subject.on_frames.append(_framed(subject))
    return subject.on_frames[0]


def _framed(subject: Subject) -> Subject:
    """The same model on frames of numbers and words; itself where it refuses them, or all its code is a library's."""
    declares = subject.declares
    if declares.columns is not None or declares.categorical or declares.targets > 1:
        return subject
    try:
        if not runs_own_code(subject):
            return subject
        other = Subject(subject.name, subject.raw, replace(declares, requires_frame=True))
        other.given, other.watches = subject.given, subject.watches
        rows = other.data(Case())
        other.answers(other.fitted(rows), rows.X_test)
    except (NotApplicable, Broken):
        return subject
    return other
