"""A Redis for Celery."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery import Celery
from redis import Redis


class Queue:
    """A Redis of its own, which keeps nothing, and the tasks in it."""

    def __init__(self, folder: Path, port: int = 0, password: str = "") -> None:
        """At a socket in this folder, and where a port is given, at all addresses of this machine."""
        program = shutil.which("redis-server")
        if program is None:
            missing = "redis-server is missing. Install it: apt install redis-server"
            if os.environ.get("CI"):
                pytest.fail(missing, pytrace=False)
            pytest.skip(missing)
        self._socket = folder / "redis.sock"
        settings = ["--port", str(port), "--unixsocket", str(self._socket), "--dir", str(folder)]
        settings += ["--save", "", "--appendonly", "no", "--bind", "*", "--requirepass", password]
        self._command = [program, *settings]
        self.start()
        self.url = f"redis+socket://{self._socket}"
        self._app = Celery("caller", broker=self.url, set_as_current=False)

    def start(self) -> None:
        """Again, with nothing of what it knew, after `kill`."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        while "ready to accept connections" not in (line := self._process.stdout.readline()).lower():
            assert line, "Redis has ended"

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def close(self) -> None:
        self._app.close()
        self.kill()

    def send(self, task: str, *arguments: object, serializer: str = "pickle") -> None:
        """A task, with its arguments pickled."""
        self._app.send_task(task, arguments, serializer=serializer)

    @contextmanager
    def overheard(self) -> Iterator[list[str]]:
        """Every command that Redis is given, once the block has ended."""
        commands: list[str] = []
        # Nothing may be said for as long as it takes a worker to start.
        listening = Redis(unix_socket_path=str(self._socket), socket_timeout=None)
        with listening as redis, redis.monitor() as monitor:

            def listen() -> None:
                while "the end" not in (command := monitor.next_command()["command"]):
                    commands.append(command)

            listener = threading.Thread(target=listen)
            listener.start()
            try:
                yield commands
            finally:
                with Redis(unix_socket_path=str(self._socket)) as other:
                    other.echo("the end")
                listener.join()

    def wait_until_done(self) -> None:
        """Until no task waits, and none that was taken is not done. There is no event for that, so this asks again."""
        with Redis(unix_socket_path=str(self._socket)) as redis:
            while redis.llen("celery") + redis.hlen("unacked"):
                time.sleep(0.01)
