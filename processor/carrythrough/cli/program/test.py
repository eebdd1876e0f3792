"""`carrythrough program test`: the tests inside a map, with a readable difference for each that fails."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.terminal import note, out, plural, say, say_json, styled


def run_tests(
    map_: Annotated[Path, Parameter(name="MAP", help="The program map.")],
    /,
    *,
    only: Annotated[list[str] | None, Parameter(help="Run only the tests with these ids.")] = None,
    json: Annotated[bool, Parameter(help="Print the results as JSON.")] = False,
) -> int:
    """Run the tests inside a map: given these statements and events, expect this evidence, these actions and stages.

    Each test is about one made-up person. Its records go through admission, the matchers and the scores as any others
    do; its end is a fixed Wednesday noon. Actions are those that the rules ask for with no guard in their way. The exit
    code is 1 when any test fails.

    For example:

    ```sh
    carrythrough program test program-map.yaml
    carrythrough program test program-map.yaml --only passed-simulation
    ```
    """
    import msgspec

    from carrythrough.cli.program.reading import read_map
    from carrythrough.pipeline.checking import check_tests

    program = read_map(map_)
    if only:
        _must_be_known(only, [one.id for one in program.tests])
        program = msgspec.structs.replace(program, tests=tuple(t for t in program.tests if t.id in only))
    results = check_tests(program)
    failed = [result for result in results if result.differences]
    if json:
        say_json({"tests": len(results), "failed": len(failed), "results": msgspec.to_builtins(results)})
        return int(bool(failed))
    if not results:
        say(f"{map_} has no tests.", "yellow")
        note("A test says what a statement is to give; carrythrough program init --from FILE… proposes some.")
        return 0
    for result in failed:
        _show(result)
    passed = len(results) - len(failed)
    say(f"{passed:,} of {plural(len(results), 'test')} passed.", "bold red" if failed else "bold green")
    return int(bool(failed))


def _show(result: Any) -> None:
    say(f"FAILED {result.id}: {result.name}", "red")
    for difference in result.differences:
        if difference.about == "given":
            say(f"  a record that the test gives is none: {difference.found}")
            continue
        for sign, text, style in (("-", difference.expected, "red"), ("+", difference.found, "green")):
            if text:
                out().print(styled(f"  {sign} {difference.about}: {text}", style), soft_wrap=True)
    if any(difference.about != "given" for difference in result.differences):
        say("  (- expected, + found)", "dim")
    say()


def _must_be_known(only: list[str], known: list[str]) -> None:
    from carrythrough.authoring.reading import did_you_mean, listing
    from carrythrough.cli.usage import wrong_usage

    for name in only:
        if name not in known:
            fix = did_you_mean(name, known) or f"the map has: {listing(known) or 'no tests'}"
            raise wrong_usage(f'the map has no test "{name}"', fix, where="--only")
