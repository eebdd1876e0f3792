"""The command line `carrythrough`: one module a command, started from `main`."""
