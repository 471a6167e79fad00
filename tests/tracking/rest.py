"""A tracking server in memory that answers the calls we make, refuses all others, and can be made to misbehave."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

API = "/api/2.0/mlflow/"


class RefusedError(Exception):
    """An answer that is no success."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


@dataclass
class Rest:
    """The state of the server, which outlives the server itself.

    Attributes:
        wants_paths: refuse names of experiments that are no paths, as Databricks does.
        lost: calls whose next answer is lost after the work was done.
        missing: calls that this server does not know.
    """

    artifacts: Path
    wants_paths: bool = False
    lost: list[str] = field(default_factory=list)
    missing: frozenset[str] = frozenset()
    delay: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    experiments: dict[str, str] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    headers: list[str] = field(default_factory=list)

    def answer(self, call: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is answered to one call."""
        known: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
            "experiments/get-by-name": self._experiment,
            "experiments/create": self._create_experiment,
            "runs/search": self._search,
            "runs/create": self._create,
            "runs/log-batch": self._log_batch,
            "runs/log-inputs": self._log_inputs,
            "runs/update": self._update,
            "runs/delete": self._delete,
        }
        self.calls[call] += 1
        if call not in known or call in self.missing:
            raise RefusedError("ENDPOINT_NOT_FOUND", 404)
        return known[call](given)

    def named(self) -> dict[str, list[str]]:
        """The statuses of the runs that are there by their names."""
        found: dict[str, list[str]] = {}
        for run in self.runs.values():
            if _is_active(run):
                found.setdefault(run["info"]["run_name"], []).append(run["info"]["status"])
        return found

    def run(self, name: str) -> dict[str, Any]:
        """The only run of a name."""
        (found,) = (run for run in self.runs.values() if run["info"]["run_name"] == name and _is_active(run))
        return found

    def _experiment(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        name = given["experiment_name"]
        if name not in self.experiments:
            raise RefusedError("RESOURCE_DOES_NOT_EXIST", 404)
        return {"experiment": {"experiment_id": self.experiments[name], "name": name, "lifecycle_stage": "active"}}

    def _create_experiment(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        name = given["name"]
        if self.wants_paths and not name.startswith(("/Users/", "/Shared/")):
            raise RefusedError("INVALID_PARAMETER_VALUE")
        if given.get("artifact_location"):
            raise RefusedError("INVALID_PARAMETER_VALUE")
        self.experiments[name] = str(len(self.experiments) + 1)
        return {"experiment_id": self.experiments[name]}

    def _search(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        key, _, value = given["filter"].removeprefix("tags.").partition(" = ")
        found = [
            run
            for run in self.runs.values()
            if run["info"]["experiment_id"] in given["experiment_ids"]
            and _is_active(run)
            and {"key": key, "value": value.strip("'")} in run["data"]["tags"]
        ]
        return {"runs": found}

    def _create(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        _at_most(given, tags=100)
        name = uuid.uuid4().hex
        info = {
            "run_id": name,
            "run_uuid": name,
            "run_name": given["run_name"],
            "experiment_id": given["experiment_id"],
            "status": "RUNNING",
            "start_time": given["start_time"],
            "artifact_uri": (self.artifacts / name).as_uri(),
            "lifecycle_stage": "active",
        }
        data = {"tags": list(given["tags"]), "params": [], "metrics": []}
        self.runs[name] = {"info": info, "data": data, "inputs": {}}
        return {"run": self.runs[name]}

    def _log_batch(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        _at_most(given, tags=100, params=100, metrics=1000)
        data = self.runs[given["run_id"]]["data"]
        for kind in ("tags", "params", "metrics"):
            new = {item["key"]: item for item in given.get(kind, ())}
            data[kind] = [item for item in data[kind] if item["key"] not in new] + list(new.values())
        return {}

    def _log_inputs(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        self.runs[given["run_id"]]["inputs"] = {"dataset_inputs": given["datasets"]}
        return {}

    def _update(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        info = self.runs[given["run_id"]]["info"]
        info.update({key: value for key, value in given.items() if key in {"status", "end_time"}})
        return {"run_info": info}

    def _delete(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        self.runs[given["run_id"]]["info"]["lifecycle_stage"] = "deleted"
        return {}

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[str]:
        """Answer on this machine; yields the address."""
        server = _Server(("127.0.0.1", port), _handler(self))
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.close_all()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: list[Any] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.append(request)
        super().process_request(request, client_address)

    def close_all(self) -> None:
        """Hang up on everybody, as a process that is killed does."""
        for request in self._open:
            self.shutdown_request(request)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


def _is_active(run: Mapping[str, Any]) -> bool:
    return bool(run["info"]["lifecycle_stage"] == "active")


def _at_most(given: Mapping[str, Any], **limits: int) -> None:
    for kind, limit in limits.items():
        if len(given.get(kind, ())) > limit:
            raise RefusedError("INVALID_PARAMETER_VALUE")


def _handler(rest: Rest) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            given = json.loads(body) if body else dict(parse_qsl(parts.query))
            rest.headers.append(self.headers.get("Authorization") or "")
            time.sleep(rest.delay)
            status: int = 200
            answer: Mapping[str, Any] = {}
            if parts.path.startswith(API):
                call = parts.path.removeprefix(API)
                try:
                    answer = rest.answer(call, given)
                except RefusedError as refused:
                    status, answer = refused.status, {"error_code": refused.code, "message": refused.code}
                if call in rest.lost:
                    rest.lost.remove(call)
                    self.close_connection = True
                    return
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = handle_any  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    return Handler
