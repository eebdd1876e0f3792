"""Child process: the real server, by its own front door, on a data folder and a program map."""

from __future__ import annotations

import json
import sys
from typing import Any

from carrythrough.embedded.serve import serve
from carrythrough.settings import Settings


def _ready(info: dict[str, Any]) -> None:
    print(json.dumps(info), flush=True)


if __name__ == "__main__":
    data_dir, program, *roster = sys.argv[1:]
    adapters = {"outbox": {"adapter": "file", "path": f"{data_dir}/actions.jsonl"}}
    settings = Settings(
        data_dir=data_dir,
        program=program,
        roster=roster[0] if roster else "",
        port=0,
        metrics_port=0,
        log_level="error",
        adapters=adapters,
    )
    serve(settings, on_ready=_ready)
