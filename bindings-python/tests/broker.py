"""A Redis for Celery."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from celery import Celery
from redis import Redis


class Queue:
    """A Redis of its own, which keeps nothing, and the tasks in it."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            missing = "redis-server is missing. Install it: apt install redis-server"
            if os.environ.get("CI"):
                pytest.fail(missing, pytrace=False)
            pytest.skip(missing)
        self._socket = folder / "redis.sock"
        settings = ["--port", "0", "--unixsocket", str(self._socket), "--dir", str(folder)]
        settings += ["--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([program, *settings], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        while "ready to accept connections" not in (line := self._process.stdout.readline()).lower():
            assert line, "Redis has ended"
        self.url = f"redis+socket://{self._socket}"
        self._app = Celery("caller", broker=self.url, set_as_current=False)

    def close(self) -> None:
        self._app.close()
        self._process.kill()
        self._process.communicate()

    def send(self, task: str, *arguments: object) -> None:
        """A task, with its arguments pickled."""
        self._app.send_task(task, arguments, serializer="pickle")

    def wait_until_done(self) -> None:
        """Until no task waits, and none that was taken is not done. There is no event for that, so this asks again."""
        with Redis(unix_socket_path=str(self._socket)) as redis:
            while redis.llen("celery") + redis.hlen("unacked"):
                time.sleep(0.01)
