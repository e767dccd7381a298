"""Hooks that are programs: real processes, good and bad."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
import time
from pathlib import Path

import pytest

from aggregator.enrich.command import run_command
from aggregator.model import Fault, FaultKind
from aggregator.settings import Hook

ENVIRON = {
    "PATH": os.environ["PATH"],
    "HOME": "/home/me",
    "LANG": "C.UTF-8",
    "SECRET": "hush",
    "MODEL_KEY": "named",
    "MODEL_NAME": "small-1",
}


def run(
    folder: Path, code: str, *, body: bytes = b'{"title": "x"}', timeout: float = 20.0, env: tuple[str, ...] = ()
) -> bytes | Fault:
    hook = Hook("model", command=(sys.executable, "-c", code), timeout=timeout, env=env)
    return asyncio.run(run_command(hook, body, ENVIRON, folder))


def is_alive(pid: int) -> bool:
    """Whether a process runs: one that nobody has waited for yet doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_end(pid: int) -> bool:
    until = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < until:
        os.sched_yield()
    return not is_alive(pid)


def test_it_gets_the_story_and_answers(tmp_path: Path) -> None:
    assert run(tmp_path, "import sys; sys.stdout.write(sys.stdin.read().upper())") == b'{"TITLE": "X"}'


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("jq .\n", "its first line names no interpreter, such as #!/bin/sh"),
        ("#!/no/such/shell\n", "the interpreter that its first line names is not there"),
        ("#!/bin/sh\r\n", "ends as on Windows"),
    ],
)
def test_a_script_that_can_not_be_started_is_told_by_its_first_line(code: str, said: str, tmp_path: Path) -> None:
    script = tmp_path / "hook.sh"
    script.write_text(code, newline="")
    script.chmod(0o755)
    fault = asyncio.run(run_command(Hook("model", command=(str(script),)), b"{}", ENVIRON, tmp_path))
    assert isinstance(fault, Fault)
    assert fault.detail.startswith("hook.sh can't be started: ")
    assert said in fault.detail


def test_it_need_not_read_the_story(tmp_path: Path) -> None:
    assert run(tmp_path, "print('{}')", body=b"x" * 5_000_000) == b"{}\n"


def test_it_may_answer_while_it_reads(tmp_path: Path) -> None:
    echo = "import sys\nfor line in sys.stdin: print(len(line), flush=True)"
    assert run(tmp_path, echo, body=b"0123456789" * 99 + b"\n") == b"991\n"


def test_it_sees_no_secrets_of_ours(tmp_path: Path) -> None:
    answer = run(tmp_path, "import os, json; print(json.dumps(dict(os.environ)))", env=("MODEL_KEY", "UNSET"))
    assert isinstance(answer, bytes)
    seen = json.loads(answer)
    assert {key: seen[key] for key in ("HOME", "LANG", "MODEL_KEY")} == {
        "HOME": "/home/me",
        "LANG": "C.UTF-8",
        "MODEL_KEY": "named",
    }
    assert "SECRET" not in seen


def test_it_runs_in_the_folder_of_the_config(tmp_path: Path) -> None:
    assert run(tmp_path, "import os; print(os.getcwd(), end='')") == str(tmp_path).encode()


def test_an_exit_status_is_a_failure_with_the_last_words(tmp_path: Path) -> None:
    fault = run(tmp_path, "import sys; print('{}'); sys.stderr.write('Loading\\n\\x1b[31mno such model\\n'); sys.exit(3)")
    assert isinstance(fault, Fault) and fault.detail == "exit status 3: [31mno such model"


def test_a_program_that_kills_itself_is_a_failure(tmp_path: Path) -> None:
    fault = run(tmp_path, "import os; os.kill(os.getpid(), 11)")
    assert isinstance(fault, Fault) and fault.detail == "ended by signal 11"


def test_a_hundred_megabytes_are_cut_off(tmp_path: Path) -> None:
    began = time.monotonic()
    fault = run(tmp_path, "import sys\nfor _ in range(1600): sys.stdout.write('x' * 65536)")
    assert isinstance(fault, Fault) and fault.kind is FaultKind.TOO_LARGE
    assert time.monotonic() - began < 15


def test_a_hundred_megabytes_of_complaints_do_not_stall_it(tmp_path: Path) -> None:
    assert run(tmp_path, "import sys\nfor _ in range(1600): sys.stderr.write('x' * 65536)\nprint('{}')") == b"{}\n"


def test_one_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    child = "import time, os, pathlib; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(600)"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]); import time; time.sleep(600)"
    fault = run(tmp_path, code, timeout=2.0)
    assert isinstance(fault, Fault) and fault.kind is FaultKind.TIMEOUT
    assert wait_for_end(int((tmp_path / "pid").read_text()))


def test_a_child_that_keeps_the_output_open_holds_nothing_up_for_longer(tmp_path: Path) -> None:
    child = "import time, os, pathlib; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(600)"
    fault = run(
        tmp_path, f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]); print('{{}}')", timeout=2.0
    )
    assert isinstance(fault, Fault) and fault.kind is FaultKind.TIMEOUT
    assert wait_for_end(int((tmp_path / "pid").read_text()))


def test_a_question_that_is_called_off_ends_the_program(tmp_path: Path) -> None:
    code = "import os, pathlib, time; pathlib.Path('new').write_text(str(os.getpid())); os.rename('new', 'pid'); time.sleep(600)"
    hook = Hook("model", command=(sys.executable, "-c", code), timeout=600)

    async def call_off() -> None:
        task = asyncio.create_task(run_command(hook, b"{}", ENVIRON, tmp_path))
        while not (tmp_path / "pid").exists():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(call_off())
    assert wait_for_end(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("command", ["no-such-program-anywhere", "/etc/passwd", "."])
def test_a_program_that_can_not_be_started_is_a_failure(command: str, tmp_path: Path) -> None:
    fault = asyncio.run(run_command(Hook("model", command=tuple(shlex.split(command))), b"{}", ENVIRON, tmp_path))
    assert isinstance(fault, Fault) and "can't be started" in fault.detail


def test_the_secrets_that_it_was_given_are_masked_in_its_complaints(tmp_path: Path) -> None:
    code = "import os, sys; sys.exit(os.environ['MODEL_NAME'] + ': key ' + os.environ['MODEL_KEY'] + ' is not valid')"
    fault = run(tmp_path, code, env=("MODEL_KEY", "MODEL_NAME"))
    assert isinstance(fault, Fault) and fault.detail == "exit status 1: small-1: key *** is not valid"


def test_a_secret_is_masked_before_the_complaint_is_cut(tmp_path: Path) -> None:
    fault = run(tmp_path, "import os, sys; sys.exit('x' * 195 + os.environ['MODEL_KEY'])", env=("MODEL_KEY",))
    assert isinstance(fault, Fault) and "nam" not in fault.detail
