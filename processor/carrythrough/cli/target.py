"""Where a command works: on a running server, or on a data folder.

A server is named by --url (with --key and --secret), a data folder by --data-dir or by the settings
file. What the command line says goes before the environment, and the environment before the default.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.usage import wrong_usage

URL_VARIABLE = "CARRYTHROUGH_URL"
KEY_VARIABLE = "CARRYTHROUGH_KEY"
SECRET_VARIABLE = "CARRYTHROUGH_SECRET"  # noqa: S105 - the name of the variable, not a secret


@dataclass(frozen=True, kw_only=True)
class Target:
    """The flags that say which server or which data folder."""

    url: Annotated[
        str | None,
        Parameter(
            help=f"Address of a running server, such as http://127.0.0.1:8080 (or set {URL_VARIABLE})."
        ),
    ] = None
    key: Annotated[
        str | None, Parameter(help=f"Key of a credential of that server (or set {KEY_VARIABLE}).")
    ] = None
    secret: Annotated[
        str | None,
        Parameter(
            help=f"Its secret; rather set {SECRET_VARIABLE}, since other users of a machine can read arguments."
        ),
    ] = None
    data_dir: Annotated[
        str | None,
        Parameter(
            help="Work on this data folder without a server (default: that of the settings, else ./data)."
        ),
    ] = None
    config: Annotated[
        Path | None,
        Parameter(help="Settings file (TOML) that names the data folder, program map and adapters."),
    ] = None

    def server(self) -> Server | None:
        """Return the server that is meant, None when a data folder is; raises UsageError for both at once."""
        if self.url and (self.data_dir or self.config):
            raise wrong_usage(
                "--url names a running server, --data-dir and --config a data folder",
                "leave one of the two out",
                where="--url",
            )
        url = self.url or ("" if self.data_dir or self.config else os.environ.get(URL_VARIABLE, ""))
        if not url:
            if self.key or self.secret:
                raise wrong_usage("--key and --secret belong to a server", "add --url", where="--key")
            return None
        if not url.startswith(("http://", "https://")):
            raise wrong_usage(f"{url!r} is not an address", "write http://host:port", where="--url")
        key = self.key or os.environ.get(KEY_VARIABLE, "")
        secret = self.secret or os.environ.get(SECRET_VARIABLE, "")
        if not key or not secret:
            raise wrong_usage(
                "a server answers only with credentials",
                f"give --key and --secret, or set {KEY_VARIABLE} and {SECRET_VARIABLE}; the first start of a server "
                "prints some, and `carrythrough credentials add` makes more",
                where="--key",
            )
        return Server(url.rstrip("/"), key, secret)

    def settings(self, **overrides: Any) -> Any:
        """Return the settings of the data folder; raises PermanentError for a wrong settings file."""
        from carrythrough.settings import load_settings

        return load_settings(self.config, data_dir=self.data_dir, **overrides)


@dataclass(frozen=True)
class Server:
    """A running server and the credential to use there."""

    url: str
    key: str
    secret: str


def data_folder(data_dir: str | None, config: Path | None) -> Path:
    """Return the path of the data folder that the flags, the environment or the settings name."""
    return Path(Target(data_dir=data_dir, config=config).settings().data_dir)


ForLearner = Annotated[
    bool,
    Parameter(
        name="--for-learner",
        help="From a data folder: also what is for the learner alone, such as how single practices went. "
        "A server gives it to the scope learner/read.",
    ),
]
"""The flag of the commands that show a person."""


@contextmanager
def open_reader(target: Target | None, *, learners: bool = False) -> Iterator[Any]:
    """Open what answers the reading commands (`reader.Reader`): a server or a data folder.

    learners: of a folder also what is for the learner alone; a server goes by the scopes of the credential.
    """
    target = target or Target()
    server = target.server()
    if server is not None:
        from carrythrough.cli.server_reader import ServerReader

        with ServerReader(server) as reader:
            yield reader
        return
    from carrythrough.cli.folder_reader import FolderReader

    settings = target.settings()
    with FolderReader(Path(settings.data_dir), settings.tenant, learners=learners) as folder:
        yield folder
