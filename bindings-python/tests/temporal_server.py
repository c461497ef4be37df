"""A server of Temporal, in memory: the one that its SDK for Java is tested with, from Maven Central."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import pytest
from programs import free_port
from temporalio.client import Client
from temporalio.service import RPCError

if TYPE_CHECKING:
    from typing_extensions import Self

_POM = Path(__file__).parent / "temporal_server.xml"


def _program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        missing = f"{name} is missing. Install it: apt install {package}"
        if os.environ.get("CI"):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return found


def jars(folder: Path) -> str:
    """The class path of the server. Maven keeps what it has downloaded once."""
    java, maven = _program("java", "default-jdk-headless"), _program("mvn", "maven")
    assert java
    told = folder / "class-path"
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.11.0:build-classpath"
    command = [maven, "--quiet", "--batch-mode", "--file", str(_POM), goal, f"-Dmdep.outputFile={told}"]
    # It runs for a moment only.
    environment = {**os.environ, "MAVEN_OPTS": f"{os.environ.get('MAVEN_OPTS', '')} -XX:TieredStopAtLevel=1"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    return told.read_text().strip()


class Temporal:
    """One on a port of its own, until the block ends. What it knows is gone with its process."""

    def __init__(self, class_path: str) -> None:
        self._class_path = class_path
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        # Little memory, and started soon: nothing in it runs for long.
        quick = ["-Xmx256m", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        command = ["java", *quick, "-cp", self._class_path, "io.temporal.testserver.TestServer", str(self._port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()

    async def client(self) -> Client:
        """A connection, when it answers."""
        until = time.monotonic() + 60
        while True:
            try:
                return await Client.connect(self.address, identity="tests")
            except (RPCError, RuntimeError):
                assert self._process.poll() is None and time.monotonic() < until, "the server does not start"
                time.sleep(0.1)
