"""Makes ``.venv`` from the requirement files; run by make with the system's Python.

Only the standard library, and only what old Pythons parse too: it has to explain itself to them.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "installed.json")
PYTHON = os.path.join(VENV, "bin", "python")
OLDEST = (3, 11)


def main(files):
    """Brings the environment up to date; a second call finds the hashes unchanged and returns."""
    use_new_python(files)
    wanted = {name: digest(name) for name in files}
    known = stamp()
    if known.get("venv") == VENV and os.path.exists(PYTHON):
        if all(known.get(name) == wanted[name] for name in files):
            return
    else:
        known = make()
    say("Installing " + ", ".join(files) + " into .venv …")
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for name in files:
        command += ["--requirement", os.path.join(ROOT, name)]
    if subprocess.call(command):
        stop("pip could not install the packages above. Check the network or PIP_INDEX_URL.")
    known.update(wanted, venv=VENV)
    with open(STAMP, "w") as file:
        json.dump(known, file)


def use_new_python(files):
    """Goes on with a newer Python of the machine when this one is too old, or says what to do."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(OLDEST[1] + 5, OLDEST[1] - 1, -1):
        newer = shutil.which("python3.%d" % minor)
        if newer:
            os.execv(newer, [newer, "-I", os.path.abspath(__file__)] + files)
    stop(
        "Python 3.11 or newer is needed; this is %d.%d. On Debian 12 or Ubuntu 24.04: "
        "apt-get install python3 python3-venv; elsewhere: apt-get install python3.11 "
        "python3.11-venv" % sys.version_info[:2]
    )


def make():
    """An empty environment in place of whatever was there."""
    try:
        import ensurepip  # noqa: F401 - Debian ships it in a package of its own
        import venv  # noqa: F401
    except ImportError:
        stop("Python's venv module is missing. Install it with: apt-get install python3-venv")
    say("Making the Python environment .venv …")
    if os.path.islink(VENV):
        os.unlink(VENV)  # --clear would empty the folder that the link points to
    # --upgrade-deps would need the network; --clear removes what another Python left.
    if subprocess.call([sys.executable, "-m", "venv", "--clear", VENV]):
        stop("The environment could not be made. Try: apt-get install python3-venv")
    return {}


def stamp():
    """What was installed last, by the hash of each file."""
    try:
        with open(STAMP) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def digest(name):
    """The hash of a requirement file."""
    with open(os.path.join(ROOT, name), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def say(sentence):
    """One line, at once."""
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


def stop(sentence):
    """The reason, and an end."""
    say(sentence)
    sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:] or ["requirements.txt"])
