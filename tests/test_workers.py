"""Worker processes: a death is noticed, named and no other's; none outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adainf_core.stopping import stop_requests
from adainf_core.workers import WorkerDiedError, Workers

SOURCE = str(Path(__file__).parents[1])


def sleep_until(path: Path, sign: Path | None = None) -> str:
    """Until `path` is there; `sign` gets our process id first."""
    if sign is not None:
        sign.with_suffix(".part").write_text(str(os.getpid()))
        sign.with_suffix(".part").rename(sign)
    start = time.monotonic()
    while not path.exists():
        if time.monotonic() - start > 60:
            raise TimeoutError("nobody has come")
        time.sleep(0.01)
    return "it came"


def die(how: signal.Signals | int) -> None:
    if isinstance(how, signal.Signals):
        os.kill(os.getpid(), how)
    os._exit(how)


def twice(number: float) -> float:
    return number * 2


def call(function, *arguments):
    return function(*arguments)


class TwoWords(Exception):
    """An error that pickle cannot make again."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def raise_two_words() -> None:
    raise TwoWords("bad", "luck")


def alive(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(what, seconds: float = 60.0) -> None:
    start = time.monotonic()
    while not what():
        assert time.monotonic() - start < seconds, "nothing happens"
        time.sleep(0.01)


def test_the_death_of_the_one_started_last_is_noticed_while_the_first_goes_on(tmp_path):
    let_go = tmp_path / "let-go"
    with Workers(call, 2) as workers:
        workers.start((sleep_until, let_go))
        workers.start((die, signal.SIGKILL))
        job, _, error = workers.next_ended()  # the first ends only after that
        assert job == (die, signal.SIGKILL) and isinstance(error, WorkerDiedError)
        assert str(error) == "a worker process was killed (SIGKILL)" and workers.busy == 1
        workers.start((die, 3))
        assert str(workers.next_ended()[2]) == "a worker process ended (exit status 3)"
        workers.start((twice, 4))
        assert workers.next_ended() == ((twice, 4), 8, None)
        let_go.touch()
        assert workers.next_ended() == ((sleep_until, let_go), "it came", None)


def test_results_and_errors_come_back_whatever_they_are():
    with Workers(call, 1) as workers:
        workers.start((bytes, 3_000_000))  # longer than a pipe holds
        assert workers.next_ended()[1:] == (bytes(3_000_000), None)
        workers.start((twice, None))
        error = workers.next_ended()[2]
        assert isinstance(error, TypeError) and "in twice" in error.__notes__[0]
        workers.start((raise_two_words,))
        assert "TwoWords('bad luck')" in str(workers.next_ended()[2])
        workers.start((open, os.devnull))
        assert "cannot pickle" in str(workers.next_ended()[2])
        workers.start((os.getpid,))
        first = workers.next_ended()[1]
        os.kill(first, signal.SIGKILL)  # idle, and nobody's loss
        wait_for(lambda: not alive(first))
        workers.start((os.getpid,))
        assert workers.next_ended()[1] not in (first, os.getpid())


def stop_when_asked(sign: Path) -> str:
    """Do what stops at a request, and save that it has."""
    with stop_requests() as stop:
        sign.with_suffix(".part").write_text(str(os.getpid()))
        sign.with_suffix(".part").rename(sign)
        wait_for(lambda: stop)
    sign.with_suffix(".saved").touch()
    return "stopped"


def test_a_worker_that_was_asked_to_stop_has_died_and_saved_first(tmp_path):
    sign = tmp_path / "sign"
    with Workers(stop_when_asked, 1) as workers:
        workers.start((sign,))
        while not sign.exists():
            workers._busy[0].answer()
        for _ in range(2):  # whoever sends it to a group has it handed on by the parent
            os.kill(int(sign.read_text()), signal.SIGTERM)
        job, found, error = workers.next_ended()
    assert job == (sign,) and found is None and sign.with_suffix(".saved").exists()
    assert str(error) == "a worker process was killed (SIGTERM)"


def test_an_error_of_the_parent_ends_what_is_going_on(tmp_path):
    sign = tmp_path / "sign"

    def fails() -> None:
        with Workers(sleep_until, 1) as workers:
            workers.start((tmp_path / "never", sign))
            while not sign.exists():
                workers._busy[0].answer()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert not alive(int(sign.read_text()))


PARENT = """
from pathlib import Path
import test_workers
from adainf_core.workers import Workers

if __name__ == "__main__":
    with Workers(test_workers.call, 2) as workers:
        workers.start((test_workers.{job}, Path("never"), Path("sign")))
        workers.next_ended()
"""


def keep_the_lock(path: Path, sign: Path) -> None:
    """A call that lets no other thread of Python run."""
    sleep_until(Path(), sign)
    sum(range(10**12))


def begin(folder: Path, script: str) -> subprocess.Popen:
    (folder / "script.py").write_text(script)
    places = os.pathsep.join([SOURCE, str(Path(__file__).parent)])
    return subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": places},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("job", ["sleep_until", "keep_the_lock"])
def test_no_worker_outlives_a_killed_parent(tmp_path, job):
    with begin(tmp_path, PARENT.replace("{job}", job)) as parent:
        wait_for((tmp_path / "sign").exists)
        parent.kill()
    worker = int((tmp_path / "sign").read_text())
    wait_for(lambda: not alive(worker), seconds=30)  # half of what its own work may take


def test_a_script_that_starts_itself_again_is_told_of(tmp_path):
    script = PARENT.replace("{job}", "sleep_until")
    with begin(tmp_path, script.replace('if __name__ == "__main__":', "if True:")) as parent:
        said = parent.communicate()[1]
    assert parent.returncode == 1
    assert "RuntimeError: a worker process ended (exit status 1) before it could begin: in" in said
