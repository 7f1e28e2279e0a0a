"""The client that the runner's kernels are driven with, beside kernels that answer, do not answer, or end."""

import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from jupyter_client.kernelspec import KernelSpec
from traitlets.config import Config

from netlens.workflow.kernel_client import PromptClient, PromptManager

KERNEL = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.hist_file=:memory:"]


class Kernels(PromptManager):
    """A manager of kernels that are started by a command of the test."""

    command = KERNEL

    @property
    def kernel_spec(self):
        return KernelSpec(argv=self.command, display_name="of a test", language="python")


def run(command, then, folder):
    """Start a kernel, and run a coroutine with a client of it."""

    async def inner():
        config = {"transport": "ipc", "ip": str(folder / "kernel"), "client_factory": PromptClient}
        manager = Kernels(config=Config({"PromptManager": config}))
        manager.command = command
        await manager.start_kernel()
        client = manager.client()
        assert isinstance(client, PromptClient)
        client.start_channels()
        try:
            return await then(client)
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)
            assert not await manager.is_alive()

    # In a thread of its own, whose event loop no other test has left running.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(inner())).result()


@pytest.mark.slow
def test_after_waiting_nothing_that_a_cell_publishes_is_lost(tmp_path):
    async def published(client):
        await client.wait_for_ready(timeout=60)
        waited = []
        for _ in range(5):
            begun = time.monotonic()
            await client.wait_for_ready(timeout=60)
            waited.append(time.monotonic() - begun)
        question = client.execute("print('first'); 1 / 0")
        kinds = []
        while True:
            message = await client.get_iopub_msg(timeout=60)
            assert message["parent_header"]["msg_id"] == question, "of an earlier question"
            kinds.append(message["msg_type"])
            if message["content"].get("execution_state") == "idle":
                return kinds, waited

    kinds, waited = run(KERNEL, published, tmp_path)
    assert kinds == ["status", "execute_input", "stream", "error", "status"]
    assert min(waited) < 0.2, "as long as jupyter_client's own client listens to silence"


@pytest.mark.parametrize(
    ("script", "told"),
    [("", "Kernel died before replying"), ("import time; time.sleep(60)", r"Kernel didn't respond in 0\.5 seconds")],
)
def test_a_kernel_that_ends_or_is_silent_is_told(tmp_path, script, told):
    with pytest.raises(RuntimeError, match=told):
        run([sys.executable, "-c", script], lambda client: client.wait_for_ready(timeout=0.5), tmp_path)


def test_a_kernel_that_is_killed_is_waited_for_no_longer_than_it_takes(tmp_path):
    async def ended():
        waited = []
        for number in range(5):
            config = {"transport": "ipc", "ip": str(tmp_path / f"kernel{number}")}
            manager = Kernels(config=Config({"PromptManager": config}))
            manager.command = [sys.executable, "-c", "import time; time.sleep(60)"]
            await manager.start_kernel()
            begun = time.monotonic()
            await manager.shutdown_kernel(now=True)
            waited.append(time.monotonic() - begun)
            assert not manager.has_kernel
        return waited

    with ThreadPoolExecutor(1) as thread:
        waited = thread.submit(lambda: asyncio.run(ended())).result()
    assert min(waited) < 0.08, "jupyter_client looks every tenth of a second"
