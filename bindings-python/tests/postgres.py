"""A PostgreSQL server of its own, for as long as a block lasts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

import psycopg
import pytest
from programs import free_port


def program(name: str) -> str:
    """Where it is: Debian keeps versions beside one another, and the programs of servers where only root looks."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = shutil.which(name, path=os.pathsep.join([*map(str, reversed(versions)), os.environ.get("PATH", "")]))
    if found is None:
        pytest.fail(f"{name} is not installed: cargo xtask setup", pytrace=False)
    return found


class Server:
    """It takes whoever comes from this machine."""

    def __enter__(self) -> Server:
        self._folder = tempfile.mkdtemp(prefix="komopay-pg-")
        # It refuses to be root's.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        data = f"{self._folder}/data"
        initdb = [program("initdb"), "--no-sync", "--auth=trust", "--encoding=UTF8", "--username=owner", data]
        self._run(initdb).wait(300)
        port = free_port()
        settings = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self._folder}"]
        options = [part for setting in settings for part in ("-c", setting)]
        self._command = [program("postgres"), "-D", data, *options]
        self.url = f"postgresql://owner@127.0.0.1:{port}/postgres"
        self.start()
        return self

    def start(self) -> None:
        self._process = self._run(self._command)
        until = time.monotonic() + 60
        ready = [program("pg_isready"), "--quiet", f"--dbname={self.url}"]
        while subprocess.run(ready).returncode != 0:
            assert self._process.poll() is None and time.monotonic() < until, "PostgreSQL does not start"
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends it. It may be started again."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(300)

    def take_over(self) -> None:
        """Ends it, and has it come back as a standby that took over: all is there, on a timeline of its own."""
        self.stop()
        Path(self._folder, "data", "standby.signal").touch()
        self.start()
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd="/",
            user=self._user,
            env={"LC_ALL": "C"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            # Nobody needs what is in it: to write all of that to the disk takes up to a minute.
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(60)
        shutil.rmtree(self._folder, ignore_errors=True)
