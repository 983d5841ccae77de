"""What /proc tells of processes."""
import contextlib


def alive(pid):
    """Whether a process runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid):
    """But for the holder of descriptors, which is the supervisor's own."""
    def name(child):
        with contextlib.suppress(OSError), open(f"/proc/{child}/comm", encoding="utf-8") as f:
            return f.read().strip()
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(child) for child in f.read().split() if name(child) != "reeve-holder"]


def descendants(pid):
    """All below a process that run, whatever session they are in and whatever they know of it."""
    found, new = [], [pid]
    while new:
        below = []
        for parent in new:
            with contextlib.suppress(OSError):
                below += filter(alive, children_of(parent))
        found += (new := below)
    return found


def environment_of(pid):
    """The variables of a process. Within execve it has none for a moment, so that none is looked at again."""
    really_empty = False
    for _ in range(100):
        with open(f"/proc/{pid}/environ", "rb") as f:
            if (text := f.read()) or really_empty:
                return text.split(b"\0")
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            really_empty = bool(f.read())   # within execve it is empty as well
    return []
