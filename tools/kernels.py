"""Kernels for the chapters, forked from one process that has imported what most of them need.

A kernel of its own spends seconds on imports before the first line of a chapter; a fork spends
none, and is as fresh: no chapter has run in the process that it comes from. That process is this
file, run as a script: it takes a line of JSON for each kernel and answers with its process id.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.metadata import EntryPoint
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

#: Imported before the first fork; none of them starts a thread.
PRELOADED = (
    "ipykernel.kernelapp",
    "matplotlib_inline.backend_inline",
    "matplotlib.pyplot",
    "myst_nb",
    "networkx",
    "scipy.stats",
    "sklearn.linear_model",
    "torchvision",
    "adainf_core.figures",
    "adainf_core.findings",
)
_NAME = "forked-provisioner"


class Forks:
    """The process that forks: started for the first kernel, it ends with this one or by `close`.

    Its kernels end with it.
    """

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def start(self, command: list[str], cwd: str, env: dict[str, str]) -> Kernel:
        """A kernel with the arguments of `command`, `python -m ipykernel_launcher ...`."""
        with self._lock:
            if self._server is None:
                pipe = subprocess.PIPE
                self._server = subprocess.Popen(
                    [sys.executable, __file__, *PRELOADED], stdin=pipe, stdout=pipe, text=True
                )
            assert self._server.stdin is not None and self._server.stdout is not None
            print(json.dumps([command[3:], cwd, env]), file=self._server.stdin, flush=True)
            return Kernel(int(self._server.stdout.readline()))

    def close(self) -> None:
        """End it."""
        with self._lock:
            if self._server is not None:
                self._server.communicate()
                self._server = None


class Kernel:
    """A process that is no child of ours, with as much of a `subprocess.Popen` as Jupyter needs."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid, self._ended = pid, False
        self._handle = os.pidfd_open(pid)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended."""
        if not self._ended and select.select([self._handle], [], [], timeout)[0]:
            self._ended = True
            os.close(self._handle)
        return 0

    def poll(self) -> int | None:
        """None as long as it is there."""
        self.wait(0)
        return 0 if self._ended else None

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it is there."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, number)


class _Provisioner(LocalProvisioner):
    """Jupyter's way to start a kernel, but for the start itself."""

    process: Any  # a `Kernel`

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Have it forked."""
        self.process = _FORKS.start(cmd, str(kwargs["cwd"]), dict(kwargs["env"]))
        self.pid, self.pgid, self.cwd = self.process.pid, None, kwargs["cwd"]
        return self.connection_info


_FORKS = Forks()


@contextmanager
def forked_kernels() -> Iterator[None]:
    """In this context Jupyter forks the kernels that this process starts; at its end, they end.

    Elsewhere than on Linux they start as always: forking a process that has imported much is not
    safe there.
    """
    if sys.platform != "linux":
        yield
        return
    factory = KernelProvisionerFactory.instance()
    usual = factory.default_provisioner_name
    place = f"{__name__}:{_Provisioner.__name__}"
    factory.provisioners[_NAME] = EntryPoint(_NAME, place, factory.GROUP_NAME)
    factory.default_provisioner_name = _NAME
    try:
        yield
    finally:
        factory.default_provisioner_name = usual
        _FORKS.close()


def _serve() -> list[str]:
    """Fork a kernel for each line that comes; returns in each, with the arguments of the kernel."""
    for module in sys.argv[1:]:
        import_module(module)
    kernels = set[int]()

    def bury(*_: object) -> None:
        with suppress(ChildProcessError):  # there are none
            while pid := os.waitpid(-1, os.WNOHANG)[0]:
                kernels.discard(pid)

    usual = signal.signal(signal.SIGCHLD, bury)
    for line in sys.stdin:
        arguments, cwd, env = json.loads(line)
        if pid := os.fork():
            kernels.add(pid)
            print(pid, flush=True)
            continue
        signal.signal(signal.SIGCHLD, usual)
        os.setsid()  # Ctrl-C is for those who look after it
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        return [*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"]
    signal.signal(signal.SIGCHLD, usual)
    for pid in kernels:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
    sys.exit()


if __name__ == "__main__":
    del sys.path[0]  # a chapter imports nothing from here
    sys.argv[1:] = _serve()
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
