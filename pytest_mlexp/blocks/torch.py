"""A torch module and the team's training function as a scikit-learn style estimator."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from pytest_mlexp.blocks.device import absent_reason
from pytest_mlexp.errors import DeclarationError, DeviceError, MlexpError, ModelError
from pytest_mlexp.naming import nearest

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor, nn

Array = np.ndarray[Any, np.dtype[Any]]
Train = Callable[["nn.Module", "Tensor", "Tensor", str], object]
_ESTIMATOR_TYPES = {"classification": "classifier", "regression": "regressor"}
_PARAMETERS = ("module", "train", "device", "task", "batch_size")


class TorchModel:
    """A torch module that is fitted by ``train(module, X, y, device)`` and predicts in batches.

    A fit trains a deep copy: the given module is never trained, and every fit starts from its weights.
    Tensors come to ``train`` on the device: ``X`` as float32, or int64 where it holds integers (tokens);
    ``y`` as int64 class indexes of shape ``(n,)``, or for regression as float32 of y's own shape. The
    module returns ``(n, n_classes)`` logits, or for regression values of y's shape (``(n, 1)`` stands for
    ``(n,)`` when predicting; mind the broadcast in your loss).

    Attributes:
        module_: the trained copy.
        columns_: the column names of the frame it was trained on, else None; frames with others are refused.
        classes_: the sorted labels, of their own type; classification only.
    """

    def __init__(
        self,
        module: nn.Module,
        train: Train,
        *,
        device: str = "cpu",
        task: Literal["classification", "regression"] = "classification",
        batch_size: int = 1024,
    ) -> None:
        self.module = module
        self.train = train
        self.device = device
        self.task = task
        self.batch_size = batch_size

    def get_params(self, *, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn's protocol
        """Return the constructor's arguments by name."""
        return {name: getattr(self, name) for name in _PARAMETERS}

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments.

        Raises:
            DeclarationError: there is no such argument.
        """
        for name, value in params.items():
            if name not in _PARAMETERS:
                raise DeclarationError(f"TorchModel has no parameter {name!r}: {nearest(name, _PARAMETERS)}")
            setattr(self, name, value)
        return self

    def fit(self, X: Any, y: Any) -> Self:
        """Train a copy of the module on ``X`` (n, ...) and ``y`` (n, ...).

        Raises:
            MlexpError: torch is not installed.
            DeclarationError: an argument of the constructor is not usable.
            DeviceError: the device is not here.
            ModelError: ``X`` or ``y`` cannot be turned into tensors.
        """
        self._check()
        import torch

        targets = self._targets(y)
        inputs = self._tensor(X)
        self.columns_ = _column_names(X)
        if len(inputs) != len(targets):
            raise ModelError(f"TorchModel.fit: X has {len(inputs)} examples and y has {len(targets)}")
        module = copy.deepcopy(self.module).to(self.device).train()
        self.train(module, inputs, torch.from_numpy(targets).to(self.device), self.device)
        self.module_ = module
        return self

    def predict(self, X: Any) -> Array:
        """Return labels of shape ``(n,)``, or for regression float64 values of shape ``(n, ...)``.

        Raises:
            ModelError: the module's output is no tensor, of the wrong shape, or holds NaN as a logit.
        """
        output = self._forward(X)
        if self.task == "classification":
            labels: Array = self.classes_[output.argmax(axis=1)]
            return labels
        return output

    @property
    def predict_proba(self) -> Callable[[Any], npt.NDArray[np.float64]]:
        """The method that gives class probabilities ``(n, n_classes)``; regression has none.

        Raises:
            AttributeError: the task is regression.
            ModelError: like ``predict``.
        """
        if self.task != "classification":
            raise AttributeError(f"predict_proba: a TorchModel with task={self.task!r} gives no probabilities")
        return self._proba

    def _proba(self, X: Any) -> npt.NDArray[np.float64]:
        import torch

        return _float64(torch.from_numpy(self._forward(X)).softmax(dim=1))

    def _check(self) -> None:
        if importlib.util.find_spec("torch") is None:
            raise MlexpError("TorchModel needs torch, which is not installed: pip install 'pytest-mlexp[torch]'")
        from torch import nn

        if not isinstance(self.module, nn.Module):
            raise DeclarationError(f"TorchModel(module=...) takes a torch.nn.Module, not {self.module!r}")
        if self.task not in _ESTIMATOR_TYPES:
            known = nearest(str(self.task), _ESTIMATOR_TYPES)
            raise DeclarationError(f"TorchModel(task={self.task!r}) is not a task: {known}")
        if self.batch_size < 1:
            raise DeclarationError(f"TorchModel(batch_size={self.batch_size!r}): use 1 or more examples a batch")
        if reason := absent_reason(self.device):
            raise DeviceError(f"TorchModel(device={self.device!r}) cannot be fitted: {reason}")

    def _tensor(self, X: Any) -> Tensor:
        import torch

        return torch.from_numpy(_inputs(X)).to(self.device)

    def _targets(self, y: Any) -> Array:
        labels = np.asarray(y)
        if self.task == "regression":
            self._trailing = labels.shape[1:]
            with np.errstate(over="ignore"):  # what is beyond float32 is refused below
                numbers = _numbers(labels, name="y").astype(np.float32)
            if not np.isfinite(numbers).all():
                raise ModelError("TorchModel: y holds NaN, infinity or numbers beyond float32; drop or rescale them")
            return numbers
        self.classes_, indexes = _classes(labels)
        self._trailing = self.classes_.shape
        return indexes.astype(np.int64)

    def _forward(self, X: Any) -> npt.NDArray[np.float64]:
        """Return the module's output ``(n, *trailing)``, computed in eval mode and without gradients."""
        import torch
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "module_")
        self._check_columns(X)
        self.module_.eval()
        inputs = _inputs(X)
        batches = []
        with torch.no_grad():
            for start in range(0, max(len(inputs), 1), self.batch_size):
                batch = torch.from_numpy(inputs[start : start + self.batch_size]).to(self.device)
                batches.append(self._checked(self.module_(batch), rows=len(batch)))
        output = np.concatenate(batches)
        if self.task == "classification" and (bad := int(np.isnan(output).any(axis=1).sum())):
            raise ModelError(
                f"{type(self.module_).__name__} gave NaN logits for {bad} of {len(output)} examples: "
                "look for a diverged training or NaN in the inputs"
            )
        return output

    def _check_columns(self, X: Any) -> None:
        """Refuse a frame whose columns are others than in training, or in another order: rows are read by position."""
        given, known = _column_names(X), self.columns_
        if given is None or known is None or given == known:
            return
        odd = [name for name in known if name not in given] + [name for name in given if name not in known]
        what = f"differ in {', '.join(map(str, odd))}" if odd else "are those of the training in another order"
        raise ModelError(f"TorchModel: the columns of X {what}; give X[{known!r:.80}]")

    def _checked(self, output: object, *, rows: int) -> npt.NDArray[np.float64]:
        import torch

        name = type(self.module_).__name__
        expected = (rows, *self._trailing)
        if not isinstance(output, torch.Tensor):
            raise ModelError(f"{name} returned {type(output).__name__}, not a tensor of shape {expected}")
        shape = tuple(output.shape)
        if shape != expected and not (shape == (rows, 1) and not self._trailing):
            meaning = "(examples, classes)" if self.task == "classification" else "that of y"
            raise ModelError(f"{name} returned shape {shape}, expected {expected}, {meaning}, for {self.task}")
        return _float64(output).reshape(expected)

    @property
    def _estimator_type(self) -> str:
        return _ESTIMATOR_TYPES[self.task]

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

        tags = Tags(estimator_type=self._estimator_type, target_tags=TargetTags(required=True))
        if self.task == "classification":
            tags.classifier_tags = ClassifierTags()
        else:
            tags.regressor_tags = RegressorTags()
        return tags

    def __repr__(self) -> str:
        train = getattr(self.train, "__qualname__", repr(self.train))
        return (
            f"TorchModel({type(self.module).__name__}, {train}, device={self.device!r}, task={self.task!r}, "
            f"batch_size={self.batch_size})"
        )


def _column_names(X: Any) -> list[Any] | None:
    return list(X.columns) if hasattr(X, "columns") else None


def _inputs(X: Any) -> Array:
    """Return ``X`` as float32, or as int64 when it holds integers."""
    values = _numbers(np.asarray(X), name="X")
    return values.astype(np.int64 if values.dtype.kind in "iu" else np.float32)


def _numbers(values: Array, *, name: str) -> Array:
    if values.dtype.kind not in "biuf":
        raise ModelError(
            f"TorchModel: {name} holds {values.dtype} values of shape {values.shape}, not numbers; "
            "encode or scale it in a pipeline step before"
        )
    return values


def _classes(labels: Array) -> tuple[Array, Array]:
    """Return the sorted labels and the index of each example's one."""
    if labels.ndim != 1:
        raise ModelError(f"TorchModel: y has shape {labels.shape}; a classification needs one label an example")
    try:
        # NaN is the one label that differs from itself; pandas.NA refuses to say, as a TypeError.
        if bool(np.any(labels != labels)):  # noqa: PLR0124
            raise ModelError("TorchModel: y holds missing labels; drop those examples in the dataset")
        classes, indexes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise ModelError(f"TorchModel: the labels in y cannot be sorted: {error}") from error
    return classes, indexes


def _float64(tensor: Tensor) -> npt.NDArray[np.float64]:
    return tensor.detach().cpu().double().numpy()
