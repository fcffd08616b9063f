"""Whatever fails, a command ends with an exit code and lines for people, never with a traceback."""

import importlib
import json
import os
import pkgutil
import shlex
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest
import typer

import infra
import streams
from infra.embedded_servers import EmbeddedServers
from streams import cli
from streams.cli import commands, console

EXIT_USAGE, EXIT_ERROR = 2, 3
ARGUMENTS = {
    "run": "",
    "up": "",
    "down": "",
    "status": "",
    "ready": "",
    "reset": "--yes",
    "topics apply": "",
    "topics check": "",
    "topics adopt": "",
    "topics void": "learning-log 0 1 --why it",
    "schemas apply": "",
    "schemas check": "",
    "worker sequencer": "",
    "worker recommender": "",
    "serve": "",
    "worker keeper": "",
    "import": "plays.csv",
    "simulate": "--events 5",
    "send": "--listener ann --artist Nina --title Sinnerman",
    "recommend": "ann",
    "watch": "ann",
    "deadletters list": "",
    "deadletters show": "listening-events/0/0",
    "deadletters replay": "--yes",
    "duplicates keep": "8b2e7e0c-8a4f-4c58-9f0e-3d5e2f1a7b6c",
    "verify": "",
    "doctor": "",
    "evaluate": "--log",
    "models": "",
    "generations list": "",
    "generations show": "second",
    "generations history": "",
    "generations create": "second --why it",
    "generations start": "second --why it",
    "generations stop": "second --why it",
    "generations scale": "second --shards 2 --why it",
    "generations wait": "second",
    "generations compare": "second first",
    "generations retire": "second --why it",
    "generations gate": "second",
    "generations canary": "second 5% --why it",
    "generations promote": "second --why it",
    "generations rollback": "--why it",
    "people add": "ann",
    "people list": "",
    "people set": "ann --public-reads",
    "people remove": "ann",
    "tokens create": "ann",
    "tokens list": "",
    "tokens revoke": "3f2a9c81d04e",
    "tokens rotate": "3f2a9c81d04e",
    "generations manifest": "second --image echotune:1",
    "relays add": "ann --to http://127.0.0.1:1 --token-file plays.csv",
    "relays list": "",
    "relays refused": "ann@127.0.0.1:1",
    "relays pause": "ann@127.0.0.1:1",
    "relays resume": "ann@127.0.0.1:1",
    "relays remove": "ann@127.0.0.1:1",
    "backup": "backup",
    "restore": "backup",
    "export": "--to plays.parquet",
    "replay": "--generation second",
    "republish": "dead-letters",
}
"""What a person types after the name of each command."""
NEEDS_NOTHING = {"models"}
WAITS_FOR_KAFKA = {
    *("worker sequencer", "worker recommender", "worker keeper"),
    *("import", "simulate", "send"),
}
"""They wait as long as it takes and say so; tests/e2e/test_running.py stops most of them."""
SAYS_WHAT_IS_AWAY = {"status", "doctor"}
"""Their answer is what is wrong: it stands on stdout."""
NEEDS_NO_SERVER = {"down", "reset"} | NEEDS_NOTHING
LIMIT_S = 0.3


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Typed = Callable[[str], Ended]


def names() -> list[str]:
    """Every command of the application."""
    app = typer.Typer()
    commands.register(app)
    root: Any = typer.main.get_command(app)
    found = []
    for name, command in root.commands.items():
        inner = getattr(command, "commands", None)
        found += [f"{name} {each}" for each in inner] if inner else [name]
    return found


def closed_port() -> int:
    """A port at which no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module", autouse=True)
def _every_module_is_imported() -> None:
    """The time limits of all of them can be shortened then."""
    for package in (streams, infra):
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not each.name.endswith("__main__"):
                importlib.import_module(each.name)


@pytest.fixture
def typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Typed:
    """Runs a command in this process: short time limits, a home of its own, all servers away."""
    _shorten_time_limits(monkeypatch)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own
    monkeypatch.setattr("streams.log_setup.log_to_stderr", lambda **_: None)  # lasts a process
    monkeypatch.setattr(console, "exit_now", _leave)
    for name in [name for name in os.environ if name.startswith("ECHOTUNE_")]:
        monkeypatch.delenv(name)
    port = closed_port()
    monkeypatch.setenv("ECHOTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ECHOTUNE_KAFKA", f"127.0.0.1:{port}")
    monkeypatch.setenv("ECHOTUNE_REDIS", f"redis://127.0.0.1:{port}/0")
    monkeypatch.setenv("ECHOTUNE_MONGO", f"mongodb://127.0.0.1:{port}")
    monkeypatch.setenv("ECHOTUNE_SCHEMA_REGISTRY", f"http://127.0.0.1:{port}")
    monkeypatch.chdir(tmp_path)
    manifest = {"topics": {"learning-log": []}}
    Path("backup").mkdir()
    Path("backup/manifest.json").write_text(json.dumps(manifest))
    Path("plays.csv").write_text("listener,artist,track,listened_at\nann,a,b,1600000000\n")

    def run(line: str) -> Ended:
        monkeypatch.setattr(cli.app, "registered_commands", [])  # `main` adds them each time
        monkeypatch.setattr(cli.app, "registered_groups", [])
        monkeypatch.setattr(sys, "argv", ["echotune", *shlex.split(line)])
        with pytest.raises(SystemExit) as ended:  # anything else would be a traceback
            cli.main()
        return Ended(int(ended.value.code or 0), *capsys.readouterr())

    return run


def _leave(code: int) -> NoReturn:
    raise SystemExit(code)


def _shorten_time_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [each for name, each in sys.modules.items() if name.startswith("streams.")]:
        for name, value in list(vars(module).items()):
            if name.endswith(("TIMEOUT_S", "SILENT_MAX_S")) and isinstance(value, float):
                monkeypatch.setattr(module, name, min(value, LIMIT_S))
    for name in ("_TIMEOUT_S", "_LISTING_TIMEOUT_S"):
        monkeypatch.setattr(f"infra.topic_creation.{name}", LIMIT_S)


def check_explained(ended: Ended) -> None:
    """An error says what is wrong, and in a second line what to do."""
    assert ended.code == EXIT_ERROR, ended
    what, remedy = ended.err[ended.err.index("error: ") :].removesuffix("\n").split("\n", 1)
    assert what.endswith("."), ended
    assert remedy.startswith("  "), ended


def test_every_command_is_tried_here() -> None:
    assert sorted(ARGUMENTS) == sorted(names())


def test_the_table_of_commands_has_the_module_of_each() -> None:
    for command in {each.split()[0] for each in names()} | commands.MODULES.keys():
        app = typer.Typer()
        commands.register(app, command)
        app.callback()(lambda: None)
        root: Any = typer.main.get_command(app)
        assert command in root.commands
        assert len(root.commands) <= 3


@pytest.mark.parametrize("command", sorted(ARGUMENTS.keys() - WAITS_FOR_KAFKA))
def test_servers_that_are_away_are_explained(command: str, typed: Typed) -> None:
    ended = typed(f"{command} {ARGUMENTS[command]}")
    if command in SAYS_WHAT_IS_AWAY:
        assert "kafka" in ended.out
    elif command in NEEDS_NO_SERVER:
        assert ended.code == 0
    else:
        check_explained(ended)


@pytest.mark.parametrize("command", sorted(ARGUMENTS.keys() - {"run", "up"}))
def test_servers_that_nobody_has_set_or_started_are_explained(
    command: str, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KAFKA", "REDIS", "MONGO", "SCHEMA_REGISTRY"):
        monkeypatch.delenv(f"ECHOTUNE_{name}")
    ended = typed(f"{command} {ARGUMENTS[command]}")
    if command in NEEDS_NO_SERVER:
        assert ended.code == 0
    else:
        check_explained(ended)


@pytest.mark.parametrize("command", sorted(ARGUMENTS.keys() - {"run", "up"}))
@pytest.mark.parametrize("text", ["{", "5", '{"addresses": {"kafka": 5}, "daemons": [1]}'])
def test_a_home_with_damaged_notes_of_servers_is_explained(
    command: str, text: str, typed: Typed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("KAFKA", "REDIS", "MONGO", "SCHEMA_REGISTRY"):
        monkeypatch.delenv(f"ECHOTUNE_{name}")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "servers.json").write_text(text)
    ended = typed(f"{command} {ARGUMENTS[command]}")
    if command not in NEEDS_NO_SERVER:
        check_explained(ended)


@pytest.mark.parametrize("command", sorted(ARGUMENTS.keys() - WAITS_FOR_KAFKA))
def test_a_home_that_is_no_folder_is_explained(
    command: str, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHOTUNE_HOME", "plays.csv")
    ended = typed(f"{command} {ARGUMENTS[command]}")
    if command not in SAYS_WHAT_IS_AWAY | NEEDS_NOTHING:
        check_explained(ended)


@pytest.mark.parametrize("command", sorted(ARGUMENTS.keys() - NEEDS_NOTHING))
def test_a_wrong_setting_is_named(
    command: str, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHOTUNE_PARTITIONS", "none")
    ended = typed(f"{command} {ARGUMENTS[command]}")
    check_explained(ended)
    assert "ECHOTUNE_PARTITIONS" in ended.err


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        ("topics check", "KAFKA", "nonsense"),
        ("verify", "KAFKA", ":::"),
        ("recommend", "REDIS", "nonsense"),
        ("watch", "REDIS", "redis://host:99999/0"),
        ("recommend", "MONGO", "nonsense"),
        ("schemas check", "SCHEMA_REGISTRY", "nonsense"),
        ("schemas apply", "SCHEMA_REGISTRY", "http://:x"),
        ("worker recommender", "MODEL", "oracle"),
        ("worker recommender", "MODEL", "nowhere.toml"),
        ("worker recommender", "MODEL", "river:Nothing"),
        ("evaluate", "MODEL", "plays.csv.toml"),
    ],
)
def test_an_address_or_a_model_that_is_nonsense_is_explained(
    command: str, name: str, value: str, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("plays.csv").rename("plays.csv.toml")
    monkeypatch.setenv(f"ECHOTUNE_{name}", value)
    check_explained(typed(f"{command} {ARGUMENTS[command]}"))


@pytest.mark.parametrize("command", ["import", "evaluate", "run"])
@pytest.mark.parametrize(
    "content", [None, b"", b"\0\xff" * 99, b"{", b"PK\3\4 no archive", "folder"]
)
def test_a_history_that_cannot_be_read_is_explained(
    command: str, content: bytes | str | None, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.cli.import_history._topic_id", lambda *_: b"a topic")
    history = Path("history.json")
    if content == "folder":
        history.mkdir()
    elif isinstance(content, bytes):
        history.write_bytes(content)
    if command == "run" and content is not None:  # its feed meets that, as `import` does here
        return
    check_explained(typed(f"{command} history.json"))


@pytest.mark.parametrize(
    "line",
    [
        "send --listener ann --artist Nina",
        "send --listener ' ' --artist Nina --title Sinnerman",
        "topics adopt learning-log",
        "models nonsense",
        "evaluate",
        "evaluate plays.csv --preset oracle",
        "evaluate plays.csv --config nowhere.toml",
        "evaluate plays.csv --freeze-after nonsense",
        "evaluate plays.csv --baseline nonsense",
        "evaluate plays.csv --catalogue nowhere.csv",
        "simulate --listeners 999999999",
        "worker recommender --shard 3 --shards 2",
    ],
)
def test_an_argument_that_cannot_be_is_explained(line: str, typed: Typed) -> None:
    ended = typed(line)
    assert ended.code in (EXIT_USAGE, EXIT_ERROR)
    assert "rror" in ended.err


@pytest.mark.parametrize(
    "line",
    [
        "send --listener \udcff --artist Nina --title Sinnerman",
        "send --listener ann --artist \udcff --title Sinnerman",
        "send --listener ann --artist Nina --title Sinnerman --release \udcff",
        "import plays.csv --listener \udcff",
        "evaluate plays.csv --listener \udcff",
        "run plays.csv --listener \udcff",
    ],
)
def test_a_name_that_is_no_utf8_is_explained(line: str, typed: Typed) -> None:
    ended = typed(line)
    assert ended.code == EXIT_ERROR
    assert "This is no UTF-8 text" in ended.err


@pytest.mark.parametrize("command", ARGUMENTS)
def test_an_option_that_does_not_exist_is_wrong_usage(command: str, typed: Typed) -> None:
    ended = typed(f"{command} {ARGUMENTS[command]} --nonsense")
    assert ended.code == EXIT_USAGE
    assert "--nonsense" in ended.err


@pytest.mark.parametrize("command", ["up", "run"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS", "nonsense"),
        ("REDIS", "rediss://host/0?ssl_cert_reqs=bogus"),
        ("MONGO", "http://host"),
        ("MONGO", "mongodb://host:99999"),
    ],
)
def test_an_address_that_is_none_is_refused_before_a_server_is_started(
    command: str, name: str, value: str, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ECHOTUNE_KAFKA")
    monkeypatch.setenv(f"ECHOTUNE_{name}", value)
    started: list[object] = []
    monkeypatch.setattr(EmbeddedServers, "up", lambda *_: started.append("servers"))
    ended = typed(command)
    check_explained(ended)
    assert f"ECHOTUNE_{name}" in ended.err
    assert started == []


def test_too_little_memory_is_explained(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_out_of_memory() -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(cli, "_run_command", run_out_of_memory)
    check_explained(typed("models"))
