"""A client of a notebook's kernel that goes on as soon as the kernel is ready.

jupyter_client's own client listens for another fifth of a second, in which no message may come: a third of the time
that a notebook takes which writes one number.
"""

import queue
import time
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient

#: Seconds to wait for an answer before the kernel is asked again.
_ANSWER_S = 1.0
#: The same for what is published: until this client is subscribed, the kernel publishes to nobody.
_PUBLISHED_S = 0.2


class PromptClient(AsyncKernelClient):
    """Client of a kernel in the same environment."""

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
