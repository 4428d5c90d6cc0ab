# SPDX-License-Identifier: Apache-2.0
"""Asks bash and zsh what they would complete, with the project's own completions and the real reaperctl.

bash: the function is called as readline calls it. zsh: an interactive one on a terminal completes, and compadd is
replaced by one that writes its matches down.
"""

from __future__ import annotations

import os
import pty
import select
import shlex
import subprocess
import time
from pathlib import Path

COMPLETIONS = Path(__file__).resolve().parents[2] / "completions"
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")

_BASH = """
HOME={home} HISTFILE=
. {base}
. {completions}/reaperctl.bash
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMP_LINE={line} COMP_POINT={point} COMP_TYPE=9 COMP_KEY=9
compopt() {{ :; }}
_reaperctl reaperctl {last} {previous}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

_ZSH = """
PS1=; unsetopt zle_bracketed_paste prompt_cr prompt_sp; fpath=({completions} $fpath)
autoload -Uz compinit && compinit -u -d {home}/zcompdump
zstyle ':completion:*' completer _complete
compadd() {{
  if [[ ${{@[1,(i)(-|--)]}} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
  local -a hits
  builtin compadd -A hits "$@"
  local prefix=$IPREFIX
  (( $#hits )) && print -rl -- $prefix${{^hits}} >> {home}/hits
  builtin compadd "$@"
}}
done-completing() {{ zle complete-word; print -r -- done >> {home}/hits; zle kill-whole-line }}
zle -N done-completing
bindkey '^I' done-completing
print ready
"""


def split(line: str) -> list[str]:
    """The words of a line as readline has them: = is one of its own."""
    words = [""]
    for char in line:
        if char == " ":
            words.append("")
        elif char == "=":
            words += [char, ""]
        else:
            words[-1] += char
    return [word for word in words[:-1] if word] + words[-1:]


def bash(line: str, home: Path, environment: dict[str, str]) -> set[str]:
    """What it would complete this line with, the cursor at its end."""
    words = split(line)
    if words[-1] == "=":
        words.append("")
    script = _BASH.format(home=shlex.quote(str(home)), base=BASH_COMPLETION, completions=shlex.quote(str(COMPLETIONS)),
                          words=" ".join(map(shlex.quote, words)), line=shlex.quote(line), point=len(line),
                          last=shlex.quote(words[-1]), previous=shlex.quote(words[-2]))
    done = subprocess.run(["bash", "--norc", "--noprofile", "-c", script], check=True, capture_output=True, text=True,
                          env=environment, stdin=subprocess.DEVNULL, timeout=30)
    assert done.stderr == "", done.stderr
    return set(done.stdout.split())


class Zsh:
    """An interactive zsh; a context manager."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self._home = home
        self._hits = home / "hits"
        (home / "rc").write_text(_ZSH.format(completions=shlex.quote(str(COMPLETIONS)), home=shlex.quote(str(home))))
        self._environment = environment | {"HOME": str(home), "ZDOTDIR": str(home), "TERM": "dumb"}

    def __enter__(self) -> "Zsh":
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.execvpe("zsh", ["zsh", "-f", "-i"], self._environment)
        self._send(f". {shlex.quote(str(self._home / 'rc'))}\n")
        self._await(lambda seen: b"ready\r\n" in seen)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._terminal)
        os.waitpid(self._pid, 0)

    def complete(self, line: str) -> set[str]:
        """Likewise."""
        self._hits.unlink(missing_ok=True)
        self._send(line + "\t")
        self._await(lambda _: self._hits.exists() and self._hits.read_text().endswith("done\n"))
        return set(self._hits.read_text().splitlines()[:-1])

    def _send(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def _await(self, over: object) -> None:
        seen, deadline = b"", time.monotonic() + 30
        while not over(seen):  # type: ignore[operator]
            assert time.monotonic() < deadline, seen
            if select.select([self._terminal], [], [], 0.05)[0]:
                seen += os.read(self._terminal, 65536)
