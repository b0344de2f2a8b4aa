"""The control surface of an exchange that runs in a process of its own: `/_exchange/…`."""

import json
from typing import Any

from opinionscope.simulator.faults import Fault, FaultBox
from opinionscope.simulator.request_log import RequestLog
from opinionscope.simulator.response import Response

PREFIX = "/_exchange/"


def answer_control(method: str, target: str, body: bytes, faults: FaultBox, log: RequestLog) -> Response:
    """Statistics, and faults added (`PUT`, a `Fault` as JSON) or cleared (`DELETE`)."""
    match method, target.removeprefix(PREFIX):
        case "GET", "stats":
            return _json(200, _stats(log))
        case "PUT", "faults":
            return _add_fault(body, faults)
        case "DELETE", "faults":
            faults.clear()
            return _json(200, {"faults": 0})
        case _:
            return _json(404, {"error": "GET stats, PUT faults or DELETE faults"})


def _stats(log: RequestLog) -> dict[str, Any]:
    by_status = log.by_status()
    return {
        "requests": sum(by_status.values()),
        "by_status": {str(status): count for status, count in sorted(by_status.items())},
        "worst_window": log.worst_window(1.0),
    }


def _add_fault(body: bytes, faults: FaultBox) -> Response:
    try:
        faults.add(Fault(**json.loads(body)))
    except (TypeError, ValueError) as error:
        return _json(400, {"error": str(error)})
    return _json(200, {"faults": len(faults)})


def _json(status: int, document: dict[str, Any]) -> Response:
    return Response(status, json.dumps(document).encode())
