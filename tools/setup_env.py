"""Make `.venv` hold exactly what requirements.lock says, and this project beside it.

`make book`, `make test` and `make lab` call this first. It needs nothing but a Python of the
supported versions. When nothing changed since the last good run it returns at once; otherwise it
installs, and only a finished install leaves the stamp that the next call looks for.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED_GIB = 9  # 6 for the installed packages, most of it PyTorch; the rest while they are unpacked

NETWORK_TROUBLE = re.compile(
    r"(?i)NewConnectionError|NameResolutionError|name resolution|ConnectTimeout|ReadTimeout|"
    r"timed out|"
    r"Max retries exceeded|Network is unreachable|ProxyError|SSLError|IncompleteRead|"
    r"Connection (?:refused|reset|broken|aborted)|error sending request|dns error|Failed to fetch|"
    r"Connect error|request failed"
)
DISK_TROUBLE = re.compile(r"No space left on device|Disk quota exceeded|Errno 28\b|Errno 122\b")


class SetupError(Exception):
    """A set-up step that cannot go on; its text is the one line the user sees."""


class Environment:
    """The virtual environment of one checkout of the project."""

    def __init__(self, root: Path = ROOT):
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / (
            "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
        )
        self.stamp = self.folder / ".installed"
        self.log = root / "_build" / "setup.log"

    def fingerprint(self) -> str:
        """All that a good install depends on: pins, project table, Python version, place."""
        digest = hashlib.sha256()
        for name in ("requirements.lock", "pyproject.toml"):
            digest.update((self.root / name).read_bytes())
        digest.update(f"{sys.version_info[:2]} {self.root}".encode())
        return digest.hexdigest()

    def is_current(self) -> bool:
        """Whether the last finished install is the one that is wanted now."""
        return (
            self.stamp.is_file()
            and self.python.exists()
            and self.stamp.read_text().strip() == self.fingerprint()
        )

    def install(self) -> None:
        """Create or repair the environment; safe to interrupt and to call again."""
        # Without a stamp an install was interrupted: what it was laying down may be half there.
        repair = [] if self.stamp.is_file() else ["--reinstall"]
        self.stamp.unlink(missing_ok=True)
        self.log.parent.mkdir(exist_ok=True)
        self.log.write_text("")
        if not self._has_torch():
            check_disk(self.root)
        if not self._usable():
            self._create()
        print(f"Installing the pinned packages into {self.folder.name} (details: {self.log}) ...")
        pip = [
            str(self.python),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
        ]
        self._run([*pip, "--progress-bar=off", self._pinned("uv")], "install uv")
        uv = [str(self.python), "-m", "uv", "pip"]
        here = ["--python", str(self.python), "--no-progress"]
        sync = ["sync", "--compile-bytecode", *here, *repair, "requirements.lock"]
        self._run([*uv, *sync], "install packages")
        project = ["--no-deps", "--no-build-isolation", "--editable", "."]
        self._run([*uv, "install", *here, *project], "install this project")
        self._write_stamp()

    def _pinned(self, package: str) -> str:
        """The line of requirements.lock that pins `package`."""
        lines = (self.root / "requirements.lock").read_text().splitlines()
        return next(line for line in lines if line.startswith(f"{package}=="))

    def _usable(self) -> bool:
        """Whether the folder holds a working venv of the Python that runs this script."""
        question = (
            "import sys, pip; "
            "print(sys.prefix != sys.base_prefix, sys.version_info[0], sys.version_info[1])"
        )
        try:
            answer = subprocess.run(
                [self.python, "-c", question], capture_output=True, text=True, check=False
            )
        except OSError:
            return False
        return answer.stdout.split() == ["True", *map(str, sys.version_info[:2])]

    def _create(self) -> None:
        check_venv_module()
        if self.folder.exists():
            print(f"{self.folder.name} cannot be used by this Python: making it anew ...")
            shutil.rmtree(self.folder)
        # Resolved, so that the environment never rests on another environment's link.
        interpreter = Path(sys.executable).resolve()
        self._run(
            [str(interpreter), "-m", "venv", str(self.folder)], "make the virtual environment"
        )

    def _has_torch(self) -> bool:
        return any(self.folder.glob("[Ll]ib/**/site-packages/torch-*"))

    def _run(self, command: list[str], purpose: str) -> None:
        with self.log.open("a") as log:
            log.write(f"\n$ {' '.join(command)}\n")
            log.flush()
            started_at = log.tell()
            code = subprocess.run(
                command, cwd=self.root, stdout=log, stderr=subprocess.STDOUT, check=False
            ).returncode
        if code:
            output = self.log.read_bytes()[started_at:].decode(errors="replace")
            raise SetupError(f"{explain(output, purpose)} Full log: {self.log}")

    def _write_stamp(self) -> None:
        draft = self.stamp.with_suffix(".partial")
        draft.write_text(self.fingerprint() + "\n")
        draft.replace(self.stamp)


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> None:
    """Refuse a Python the pinned packages were not made for."""
    if not OLDEST <= version <= NEWEST:
        raise SetupError(
            f"Python {dotted(version)} ({sys.executable}) is not supported; install Python "
            f"{dotted(OLDEST)} to {dotted(NEWEST)} and name it: make book PYTHON=/path/to/python3"
        )


def check_venv_module() -> None:
    """Debian and Ubuntu ship Python without the parts that make virtual environments."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise SetupError(
            f"{sys.executable} cannot make virtual environments; install its venv module "
            f"(Debian, Ubuntu: apt install python{dotted(sys.version_info[:2])}-venv) "
            "or name another Python: make book PYTHON=/path/to/python3"
        ) from None


def check_disk(folder: Path) -> None:
    """Refuse to start an install that would fill the disk."""
    free = shutil.disk_usage(folder).free / 2**30
    if free < NEEDED_GIB:
        raise SetupError(
            f"{free:.1f} GiB free on the disk of {folder}, the packages need {NEEDED_GIB} GiB; "
            "free some space and run the same command again."
        )


def explain(output: str, purpose: str) -> str:
    """One sentence that says what went wrong in an installer's output, and what to do about it."""
    if DISK_TROUBLE.search(output):
        return f"The disk is full; free {NEEDED_GIB} GiB and run the same command again."
    if NETWORK_TROUBLE.search(output):
        return (
            "No connection to the package index; check the network and the proxy, and "
            "run the same command again."
        )
    errors = [line for line in output.splitlines() if line.lower().startswith("error")]
    reason = errors[-1] if errors else "it stopped without a reason; run the same command again"
    return f"Could not {purpose}: {reason.rstrip('.')}."


def dotted(version: tuple[int, ...]) -> str:
    """(3, 11) -> '3.11'."""
    return ".".join(map(str, version))


def main() -> int:
    """Bring the environment up to date; print one line and return 1 where that is impossible."""
    try:
        check_python()
        environment = Environment()
        if not environment.is_current():
            environment.install()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; the same command carries on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
