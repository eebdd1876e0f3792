"""`carrythrough program schema`: the JSON Schema of program maps, for editors and other checkers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from carrythrough.cli.terminal import note, say_json


def schema(
    *,
    to: Annotated[Path | None, Parameter(help="Write it to this file in place of printing it.")] = None,
) -> int:
    """Print the JSON Schema of program maps; an editor that knows it completes keys and underlines faults.

    Editors with a YAML language server read it from the first line of the map:
    `# yaml-language-server: $schema=program-map.schema.json`. In a JSON map it is the key `$schema`.

    For example:

    ```sh
    carrythrough program schema --to program-map.schema.json
    ```
    """
    from carrythrough.program.schema import program_map_schema

    found = program_map_schema()
    if to is None:
        say_json(found)
        note("First line of a map, so that an editor completes it: # yaml-language-server: $schema=FILE")
        return 0
    import msgspec

    from carrythrough.cli.program.writing import write_text

    write_text(to, msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n", replace=True)
    note(f"Written to {to}. First line of a map beside it, so that an editor completes it:")
    note(f"# yaml-language-server: $schema={to.name}")
    return 0
