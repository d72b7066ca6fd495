"""Runs commands side by side and measures them as whole processes."""

import os
import subprocess
import tempfile
import time
from pathlib import Path


class Failure(Exception):
    """Something that ends the comparison, in words."""


class Process:
    """A command as one of several that run at once: `command`, its standard input, and the exit codes that are well."""

    def __init__(self, command, stdin=b"", environment=None, codes=(0,)):
        self.command = [str(word) for word in command]
        self.stdin = stdin
        self.environment = environment
        self.codes = codes


def run_all(processes, work):
    """Runs processes at once. Returns seconds from the first start to the last end, and seconds of CPU."""
    files = []
    for number, process in enumerate(processes):
        stdin = tempfile.TemporaryFile(dir=work)
        stdin.write(process.stdin)
        stdin.seek(0)
        files.append((stdin, open(work / f"output-{number}", "wb")))
    running = {}
    begun = time.monotonic()
    for process, (stdin, output) in zip(processes, files):
        child = subprocess.Popen(
            process.command, stdin=stdin, stdout=output, stderr=subprocess.STDOUT, env=process.environment
        )
        running[child.pid] = (process, child, output.name)
    cpu = 0.0
    failed = []
    while running:
        pid, status, usage = os.wait4(-1, 0)
        if pid not in running:
            continue
        process, child, name = running.pop(pid)
        child.returncode = os.waitstatus_to_exitcode(status)
        cpu += usage.ru_utime + usage.ru_stime
        if child.returncode not in process.codes:
            failed.append((process, child.returncode, name))
    wall = time.monotonic() - begun
    for stdin, output in files:
        stdin.close()
        output.close()
    for process, code, name in failed:
        said = Path(name).read_text(errors="replace")[-3000:]
        raise Failure(f"exit code {code} of {' '.join(process.command)[:300]}\n{said}")
    return wall, cpu


def quietly(command, **options):
    """Runs a command that is not measured; an error with what it said when it fails."""
    done = subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    if done.returncode:
        raise Failure(f"{' '.join(map(str, command))[:300]}\n{done.stdout.decode(errors='replace')[-3000:]}")
    return done.stdout.decode()
