"""Types into a shell at a terminal. Arguments: bash, zsh or fish, the folder of
the completion scripts, and what to type, a line each; \\t in it is the Tab key.
For each it prints a JSON object: the line that the shell then holds, and what
it showed meanwhile. The folder it is started in is the shell's $HOME."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios

SHELL, SCRIPTS = sys.argv[1:3]
TYPED = sys.argv[3:]
HOME = os.getcwd()

# Each shell gets a prompt to wait for, the committed script where its users
# put it, and a key (Ctrl-T) that tells the line typed so far. Keys are read in
# order, so that what it tells is the state after the Tab before it.
SETTINGS = {
    "bash": (
        ".bashrc",
        f"""PS1='READY> '
source {SCRIPTS}/istio-tls.bash
bind -x '"\\C-t": printf "LINE=<%s>\\n" "$READLINE_LINE"'
""",
    ),
    "zsh": (
        ".zshrc",
        f"""PS1='READY> '
fpath=({SCRIPTS} $fpath)
autoload -U compinit && compinit -u -D
tell() {{ zle -M "LINE=<$BUFFER>" }}
zle -N tell
bindkey '^T' tell
""",
    ),
    "fish": (
        ".config/fish/config.fish",
        f"""set fish_greeting
set fish_complete_path {SCRIPTS} $fish_complete_path
function fish_prompt; printf 'READY> '; end
function fish_user_key_bindings; bind \\ct 'printf "\\nLINE=<%s>\\n" (commandline)'; end
""",
    ),
}


def start():
    file, text = SETTINGS[SHELL]
    os.makedirs(os.path.dirname(os.path.join(HOME, file)), exist_ok=True)
    with open(os.path.join(HOME, file), "w") as out:
        out.write(text)
    environment = {
        "HOME": HOME,
        "PATH": os.environ["PATH"],
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
    }
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(SHELL, [SHELL, "-i"], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    return terminal


def plain(text):
    """Without the sequences that move the cursor and colour."""
    return re.sub(r"\x1b(\[[0-9;?>=]*[a-zA-Z]|\][^\x07]*\x07|[()][A-Z0-9]|[=>])|[\x07\x0f]", "", text)


def await_text(terminal, pattern):
    """What the shell shows up to the pattern; gives up after a silent minute."""
    shown = ""
    while not (found := re.search(pattern, plain(shown))):
        if not select.select([terminal], [], [], 60)[0]:
            sys.exit(f"{SHELL} shows no {pattern!r}, but {plain(shown)!r}")
        try:
            shown += os.read(terminal, 65536).decode(errors="replace")
        except OSError:
            sys.exit(f"{SHELL} ended: {plain(shown)!r}")
    return plain(shown), found


terminal = start()
await_text(terminal, "READY> ")
for typed in TYPED:
    os.write(terminal, typed.encode() + b"\x14")
    shown, told = await_text(terminal, r"LINE=<(.*)>")
    print(json.dumps({"line": told[1], "shown": shown}), flush=True)
    # Ctrl-U empties the line.
    os.write(terminal, b"\x15")
