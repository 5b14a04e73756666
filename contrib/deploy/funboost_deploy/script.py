"""What the other machine's shell is told.  Whatever comes from outside is quoted, except the user's own shell text.

The shell reads it from its input, not from its command line: what is exported is in no list of processes there.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from shlex import quote

SHELL = "exec /bin/sh -s"
SAYS = "funboost-deploy:"
"""Begins the lines by which the shell tells how it goes: ``running PID`` or ``ended CODE``."""
MARK_OPTION = "-fsdfmark"
LOGS = ".funboost/deploy"
"""The folder of the log files, below the project's."""
LONGEST = 30.0
"""Seconds after which it counts as started though it has no child processes yet."""

_ENDING = """\
consuming() {
  for each in $(grep -ls "^PPid:[[:blank:]]*$1\\$" /proc/[0-9]*/status); do
    tr '\\000' '\\n' < "${each%/status}/cmdline" | grep -qx -e --multiprocessing-fork && return
  done
  return 1
} 2>/dev/null
alive() { grep -qs "^State:[[:blank:]]*[^XZ[:blank:]]" "/proc/$1/status"; }
marked() {
  case "$(tr '\\000' '\\n' < "/proc/$1/cmdline")" in
  *"
$option
$mark") return 0 ;;
  esac
  return 1
} 2>/dev/null
end_earlier() {
  earlier=
  for each in /proc/[0-9]*; do
    if [ -O "$each" ] && marked "${each#/proc/}"; then earlier="$earlier ${each#/proc/}"; fi
  done
  for each in $earlier; do kill -TERM "$each" 2>/dev/null; done
  for each in $earlier; do
    while marked "$each" && [ "$patience" -gt 0 ]; do sleep 0.1; patience=$((patience - 1)); done
    if marked "$each"; then
      kill -KILL "-$each" 2>/dev/null || kill -KILL "$each" 2>/dev/null
      dying=50
      while marked "$each" && [ "$dying" -gt 0 ]; do sleep 0.1; dying=$((dying - 1)); done
    fi
  done
}
"""

_STARTING = """\
mkdir -p {logs} || exit 72
if [ -e "$log" ]; then mv -f "$log" "$log.1"; fi
setsid {python} -c {code} "$option" "$mark" >"$log" 2>&1 </dev/null 3<&- &
started=$!
look={look} most={most}
while [ "$most" -gt 0 ]; do
  if ! alive "$started"; then
    wait "$started"
    printf '%s ended %s\\n' {says} "$?"
    tail -n 50 "$log"
    exit 70
  fi
  if [ "$look" -le 0 ] && consuming "$started"; then break; fi
  sleep 0.1
  look=$((look - 1)) most=$((most - 1))
done
printf '%s running %s\\n' {says} "$started"
"""

_ATTACHED = """\
follow=-f
if tail --pid=$$ -n 0 /dev/null 2>/dev/null; then follow="-f --pid=$started"; fi
tail -n +1 $follow "$log" 3<&- &
shown=$!
{ cat <&3; end_earlier; } >/dev/null 2>&1 &
wait "$started"
code=$?
kill $!
if [ "$follow" = -f ]; then
  sleep 2
  kill "$shown"
fi
wait "$shown"
exit "$code"
"""
# A tail that knows --pid ends by itself when it has shown all; others (BusyBox) look once a second.


def mark_of(queue: str) -> str:
    """The documented last word of the command line, by which earlier runs are found."""
    return "fsdf_fabric_mark_" + "".join(each if each.isprintable() else f"%{ord(each):02X}" for each in queue)


def log_of(queue: str) -> str:
    """The log file of a queue, below the project's folder."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", queue)[:100]
    return f"{LOGS}/{plain}.log" if plain == queue else f"{LOGS}/{plain}-{zlib.crc32(queue.encode()):08x}.log"


def code_of(module: str, name: str, processes: int) -> str:
    """The documented program; `name` may be that of a method."""
    return f"from {module} import {name.partition('.')[0]}; {name}.multi_process_consume({processes})"


def starting(
    folder: str,
    queue: str,
    code: str,
    *,
    python: str,
    extra: str,
    environment: Mapping[str, str],
    attached: bool,
    stop_seconds: float,
    watch_seconds: float,
) -> str:
    """End earlier runs of a queue, start another one, and watch it: for a moment, or (`attached`) until it ends."""
    enter = f"cd -- {quote(folder)} || exit 71\n"
    lines = [enter, *(f"export {name}={quote(value)}\n" for name, value in environment.items())]
    lines += [extra.rstrip() + "\nset +eu\n" + enter] if extra.strip() else []  # where and how it may have left us
    lines.append(f"export PYTHONPATH={quote(folder)}${{PYTHONPATH:+:$PYTHONPATH}}\n")
    lines.append(_variables(queue, stop_seconds) + _ENDING + "end_earlier\n")
    lines.append(
        _STARTING.format(
            logs=quote(LOGS),
            python=quote(python),
            code=quote(code),
            look=round(watch_seconds * 10),
            most=round((watch_seconds + LONGEST) * 10),
            says=quote(SAYS),
        )
    )
    if attached:
        lines.append(_variables(queue, stop_seconds) + _ATTACHED)
    return _whole("exec 3<&0\n" + "".join(lines))


def ending(queue: str, stop_seconds: float) -> str:
    """End the runs of a queue."""
    return _whole(_variables(queue, stop_seconds) + _ENDING + "end_earlier\n")


def _variables(queue: str, stop_seconds: float) -> str:
    mark, log = quote(mark_of(queue)), quote(log_of(queue))
    return f"option={MARK_OPTION} mark={mark} log={log} patience={round(stop_seconds * 10)}\n"


def _whole(script: str) -> str:
    """Read to its end before anything runs: what runs may read the rest of the input."""
    return f"main() {{\n{script}}}\nmain; exit\n"


def command(python: str, code: str, queue: str) -> str:
    """The documented command line, for people to read."""
    return f"{quote(python)} -c {quote(code)} {MARK_OPTION} {quote(mark_of(queue))}"
