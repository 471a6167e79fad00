"""The errors this package raises on purpose.

::

    MlexpError
    ├── DeclarationError    a block, gate or experiment was declared wrongly
    ├── SettingsError       an option, ini setting or marker argument is not known or not usable
    ├── DataError           a dataset cannot be loaded, split or read as declared
    ├── ModelError          a model was not built, or predicted something unusable
    ├── EvaluatorError      an evaluator returned something that is not a set of metrics
    ├── RequestError        an evaluator asks for what the model or the dataset does not give
    ├── DeviceError         a device that was asked for is not here, or nothing runs on it
    ├── TrackingError       records could not be mirrored to MLflow
    ├── GateError           a metric breached its gate (also an AssertionError)
    └── ContractError       a block breaks a law (also an AssertionError)

An error that a team's own code raises is never wrapped: it reaches the test as it was raised.
"""

from __future__ import annotations


class MlexpError(Exception):
    """Base of every error raised by pytest-mlexp."""


class DeclarationError(MlexpError, ValueError):
    """A block, gate or experiment was declared wrongly."""


class SettingsError(MlexpError, ValueError):
    """An option, ini setting or marker argument is not known or not usable."""


class DataError(MlexpError, ValueError):
    """A dataset cannot be loaded, split or read as declared."""


class ModelError(MlexpError, ValueError):
    """A model was not built, or predicted something unusable."""


class EvaluatorError(MlexpError):
    """An evaluator returned something that is not a set of metrics."""


class RequestError(MlexpError):
    """An evaluator asks for what the model or the dataset does not give."""


class DeviceError(MlexpError):
    """A device that was asked for is not here, or nothing runs on it."""


class TrackingError(MlexpError):
    """Records could not be mirrored to MLflow."""


class GateError(MlexpError, AssertionError):
    """A metric breached its gate."""


class ContractError(MlexpError, AssertionError):
    """A block breaks one of the laws that every block of its kind must obey."""
