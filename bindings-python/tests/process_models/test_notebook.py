"""asyncio where a loop runs already: cells of a real IPython kernel, and one client in several loops."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway import Sandbox
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from program import HERE, Program, account_for, named

pytestmark = pytest.mark.process_model("asyncio in a running loop")

FIRST_CELL = """
import asyncio, logging, sys
logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
from salary import SALARY
from komopay import AsyncClient, Client
client, async_client = Client.from_env(), AsyncClient.from_env()
"""


class Notebook:
    """A kernel, the cells that were run in it, and all they said."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        # Not TCP, whose ports may be taken by others before the kernel has them.
        sockets = {"transport": "ipc", "ip": str(folder / "kernel")}
        self._manager = KernelManager(kernel_name="python3", connection_file=str(folder / "kernel.json"), **sockets)
        ours = {"IPYTHONDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        self._manager.start_kernel(cwd=str(HERE), env={**os.environ, **sandbox.environment, **ours})
        self._client: BlockingKernelClient = self._manager.client()
        self.said = ""

    def start(self) -> None:
        """Waits for the kernel, and runs the first cell."""
        self._client.start_channels()
        self._client.wait_for_ready()
        self.run(FIRST_CELL)

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        print(self.said)

    def begin(self, cell: str) -> str:
        """Sends a cell."""
        return str(self._client.execute(cell))

    def wait_for(self, pattern: str) -> None:
        """Waits until the kernel has said this."""
        while not re.search(pattern, self.said):
            self._hear()

    def end(self, cell: str) -> str | None:
        """Waits for the end of a cell. The name of what it raised, if it did."""
        while True:
            message = self._hear()
            if message["parent_header"].get("msg_id") == cell and message["msg_type"] == "status":
                if message["content"]["execution_state"] == "idle":
                    break
        while (reply := self._client.get_shell_msg())["parent_header"].get("msg_id") != cell:
            pass
        return str(reply["content"]["ename"]) if reply["content"]["status"] == "error" else None

    def run(self, cell: str) -> str:
        """Runs a cell that raises nothing, and gives what was said meanwhile."""
        before = len(self.said)
        raised = self.end(self.begin(cell))
        assert raised is None, (raised, self.said[before:])
        return self.said[before:]

    def interrupt(self) -> None:
        """What the button does."""
        self._manager.interrupt_kernel()

    def _hear(self) -> dict[str, Any]:
        message: dict[str, Any] = self._client.get_iopub_msg()
        content = message["content"]
        if message["msg_type"] == "stream":
            self.said += content["text"]
        elif message["msg_type"] == "error":
            self.said += "\n".join(content["traceback"]) + "\n"
        return message


@pytest.fixture
def notebook(sandbox: Sandbox, folder: Path) -> Iterator[Notebook]:
    notebook = Notebook(sandbox, folder)
    try:
        notebook.start()
        yield notebook
    finally:
        notebook.close()


def test_cells_pay_with_either_client(notebook: Notebook, sandbox: Sandbox) -> None:
    assert notebook.run("print(client.create_payout('TST-1', SALARY).payout_id)") == "TST-1\n"
    for number in (2, 3):
        cell = f"print((await async_client.create_payout('TST-{number}', SALARY)).payout_id)"
        assert notebook.run(cell) == f"TST-{number}\n"
    # The blocking one keeps the kernel's loop until it has ended; a task that is ready waits.
    turns = """
turns = []
async def other(): turns.append("other")
task = asyncio.get_running_loop().create_task(other())
turns.append(client.create_payout("TST-4", SALARY).payout_id)
await task
print(*turns)
"""
    assert notebook.run(turns) == "TST-4 other\n"
    account_for([f"TST-{number}" for number in (1, 2, 3, 4)], notebook, sandbox)


@pytest.mark.parametrize("call", ["async_client.create_payout(", "asyncio.to_thread(client.create_payout, "])
def test_what_is_awaited_lets_the_loop_run(call: str, notebook: Notebook, sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "hold")
    cell = notebook.begin(f"""
async def other(): print("the other task runs")
task = asyncio.get_running_loop().create_task(other())
print((await {call}"TST-1", SALARY)).payout_id)
""")
    sandbox.wait_until_seen("create_payout")
    notebook.wait_for("the other task runs")
    assert "TST-1" not in notebook.said
    sandbox.release()
    assert notebook.end(cell) is None
    account_for(["TST-1"], notebook, sandbox)


# A kernel hears of an interrupt when its loop wakes; no sooner, whatever is awaited, `asyncio.sleep` too.
TICKS = """
async def tick():
    while True: await asyncio.sleep(0.01)
ticks = asyncio.get_running_loop().create_task(tick())
"""


@pytest.mark.parametrize("call", ["client.create_payout", "await async_client.create_payout"])
def test_an_interrupted_cell_names_the_id_and_is_run_again_with_resume(
    call: str, notebook: Notebook, sandbox: Sandbox
) -> None:
    sandbox.fault("create_payout", "hold")
    notebook.run(TICKS)
    cell = notebook.begin(f"{call}('TST-1', SALARY)")
    sandbox.wait_until_seen("create_payout")
    notebook.interrupt()
    assert notebook.end(cell) in ("KeyboardInterrupt", "CancelledError")
    notebook.wait_for(named("TST-1"))
    sandbox.release()
    assert sandbox.executed("TST-1") == 1
    assert notebook.run(f"print(({call}('TST-1', SALARY, resume=True)).recovered)") == "True\n"
    account_for(["TST-1"], notebook, sandbox)


def test_one_client_serves_loops_one_after_the_other_beside_each_other_and_inside_each_other(sandbox: Sandbox) -> None:
    with Program("loops.py", sandbox=sandbox) as program:
        assert program.end() == 0
        account_for([f"TST-{number}" for number in (1, 2, 3, 4, 5)], program, sandbox)
        program.wait_for("^paid", times=5)
