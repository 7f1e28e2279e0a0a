"""A client and a manager of a notebook's kernel that wait no longer than it takes to start and to end.

jupyter_client's own listen for a fifth of a second, in which no message may come, when the kernel has started, try to
connect every tenth of a second, and look every tenth of a second whether it has ended: half of the time that a notebook
takes which writes one number.
"""

import asyncio
import queue
import signal
import subprocess
import time
from contextlib import suppress
from typing import Any

import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from traitlets import default

#: Seconds to wait for an answer before the kernel is asked again.
_ANSWER_S = 1.0
#: The same for what is published: until this client is subscribed, the kernel publishes to nobody.
_PUBLISHED_S = 0.02
#: Milliseconds between two attempts to connect to a kernel that has not opened its sockets yet.
_CONNECT_MS = 5
#: Seconds that a killed kernel may take to end.
_END_S = 5.0


class PromptClient(AsyncKernelClient):
    """Client of a kernel in the same environment."""

    @default("context")
    def _context_default(self) -> zmq.asyncio.Context:
        context: zmq.asyncio.Context = super()._context_default()
        # The sockets of a context begin with its settings.
        context.reconnect_ivl = _CONNECT_MS
        return context

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers, and until what it publishes arrives.

        Parameters
        ----------
        timeout
            Seconds. Default: as long as the kernel lives.

        Raises
        ------
        RuntimeError
            The kernel has ended, or does not answer in time.
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            question = self.kernel_info()
            if await _has_answered(self.shell_channel, question) and await _is_idle(self.iopub_channel, question):
                return
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > deadline:
                raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")


class PromptManager(AsyncKernelManager):
    """Starts and ends such a kernel."""

    async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:  # type: ignore[override]
        """End the kernel.

        Parameters
        ----------
        now
            Kill it, and return as soon as it has ended.
        restart
            Keep the file that says how to connect to it.
        """
        process = getattr(self.provisioner, "process", None)
        if now and process is not None:
            await self.signal_kernel(signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, _END_S)
        await super().shutdown_kernel(now=now, restart=restart)


async def _has_answered(channel: Any, question: str) -> bool:
    message = await _message(channel, _ANSWER_S)
    # Answers to earlier questions come first.
    while message is not None and message["parent_header"].get("msg_id") != question:
        message = await _message(channel, _ANSWER_S)
    return message is not None


async def _is_idle(channel: Any, question: str) -> bool:
    """Whether the kernel publishes that it has done what it was asked for, its last word about it."""
    while (message := await _message(channel, _PUBLISHED_S)) is not None:
        is_own = message["parent_header"].get("msg_id") == question
        if is_own and message["content"].get("execution_state") == "idle":
            return True
    return False


async def _message(channel: Any, timeout_s: float) -> dict[str, Any] | None:
    try:
        message: dict[str, Any] = await channel.get_msg(timeout=timeout_s)
    except queue.Empty:
        return None
    return message
