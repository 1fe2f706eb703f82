"""What a terminal shows when Node 24 runs a script and the user of `<name>.json` sits at it: `<name>.out`, for those named or all.

    NODE=… python3 oracle.py [NAME…]

The terminal is a pseudo-terminal of this machine, as it is when it was just opened but for UTF-8, which terminal emulators ask for.
"""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import struct
import sys
import termios
import time

HERE = pathlib.Path(__file__).resolve().parent
NODE = os.environ["NODE"]
IUTF8 = 0o40000
PATIENCE = 20


def set_size(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def start(script, scenario):
    """Node on a new terminal of the right size; it waits until the size is set."""
    ready, go = os.pipe()
    child, terminal = pty.fork()
    if child == 0:
        os.close(go)
        os.read(ready, 1)
        environment = dict(scenario.get("env", {}))
        os.execve(NODE, ["node", str(script), *scenario.get("argv", [])], environment)
    os.close(ready)
    modes = termios.tcgetattr(terminal)
    modes[0] |= IUTF8
    termios.tcsetattr(terminal, termios.TCSANOW, modes)
    set_size(terminal, scenario["terminal"].get("columns", 80), scenario["terminal"].get("rows", 24))
    os.write(go, b".")
    os.close(go)
    return child, terminal


def play(terminal, steps):
    """What is shown until the program ended."""
    shown = b""
    used = 0
    since = time.monotonic()
    deadline = since + PATIENCE
    while time.monotonic() < deadline:
        while steps:
            step = steps[0]
            if time.monotonic() < since + step.get("after_ms", 0) / 1000:
                break
            if "send" in step:
                keys = step["send"]
                os.write(terminal, keys.encode() if isinstance(keys, str) else bytes(keys))
            elif "resize" in step:
                set_size(terminal, *step["resize"])
            else:
                pattern = step["pattern"] if "pattern" in step else re.escape(step["expect"])
                found = re.search(pattern.encode(), shown[used:])
                if not found:
                    break
                used += found.end()
            steps.pop(0)
            since = time.monotonic()
        if select.select([terminal], [], [], 0.005)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                return shown, steps
    sys.exit(f"nothing more came; shown so far:\n{shown!r}\nleft: {steps}")


def main():
    os.chdir(HERE)
    for scenario_file in sorted(HERE.glob("*.json")):
        name = scenario_file.stem
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        scenario = json.loads(scenario_file.read_text())
        child, terminal = start(HERE / f"{name}.cjs", scenario)
        shown, left = play(terminal, list(scenario["terminal"]["script"]))
        if left:
            print(f"{name}: the program ended before {left}", file=sys.stderr)
        _, status = os.waitpid(child, 0)
        code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        # A guest's root is its package, and an isolate does not sign as Node.
        shown = shown.replace(f"{HERE}/".encode(), b"/")
        shown = re.sub(rb"\r\n\r\nNode\.js v[0-9.]+\r\n$", b"\r\n", shown)
        (HERE / f"{name}.out").write_bytes(shown + f"\n[exit {code}]\n".encode())
        print(name, repr(shown[-300:]), code)


main()
