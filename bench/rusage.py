"""Runs a command and writes what the kernel accounted for it: rusage.py <result.json> <command> [arguments]

User and system time of the command and of all its descendants, and the largest resident set of any one
of them: exact, where polling could miss a peak. PySpark ends without waiting for its JVM, whose account
would be lost; so on Linux this process adopts orphans and waits for them, too. The wall time is the
command's own. A process this small starts the command because a child inherits its parent's size until
it has become the new program.
"""
import ctypes
import json
import os
import resource
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def wait_for_orphans():
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def main():
    result, *command = sys.argv[1:]
    adopt_orphans()
    started = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: os.kill(child, received))
    _, status = os.waitpid(child, 0)
    seconds = time.perf_counter() - started
    wait_for_orphans()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(result, "w", encoding="utf-8") as out:
        json.dump(
            {
                "seconds": seconds,
                "userSeconds": usage.ru_utime,
                "systemSeconds": usage.ru_stime,
                "largestProcessBytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            },
            out,
        )
    sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)


main()
