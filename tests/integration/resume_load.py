"""Services that keep a record of their own of all that they do, for tests to compare with what a supervisor makes of it.

$D/record/NAME is a file that only NAME appends to, one entry a line:

    S PID INVOCATION    it has started
    L LIFE NUMBER       it has written the line "LIFE NUMBER" to stdout, all of it; a pid may come again, a life does not
    R PID               it was asked to reload
    E PID STATUS        it is about to exit with this status
    D LIFE 0            and with it ends this life
    H TURN INVOCATION   a hook of it runs

$D/violations gets a line when one starts while another one lives, which a lock tells that dies with its holder.
"""
import collections
import os
import threading

from harness import PYTHON

WORKER = r"""
import fcntl, os, random, signal, socket, sys, time
name, kind, pace = sys.argv[1], sys.argv[2], float(sys.argv[3])
D = os.environ["D"]
if kind == "forking":
    if os.fork(): os._exit(0)
    os.setsid()
    if os.fork(): os._exit(0)
pid = os.getpid()
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append("E"))
signal.signal(signal.SIGHUP, lambda *_: asked.append("R"))
lock = os.open(f"{D}/lock/{name}", os.O_WRONLY | os.O_CREAT, 0o600)
record = os.open(f"{D}/record/{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    with open(f"{D}/violations", "a") as f: f.write(f"{name}: {pid} starts beside another one\n")
def note(*words):
    os.write(record, " ".join(map(str, words)).encode() + b"\n")
life = time.monotonic_ns()
note("S", pid, os.environ["INVOCATION_ID"])
if kind == "forking":
    with open(f"{D}/{name}.pid.new", "w") as f: f.write(f"{pid}\n")
    os.rename(f"{D}/{name}.pid.new", f"{D}/{name}.pid")
chance = random.Random(pid)
left = chance.randrange(5, 120)
number = 0
while True:
    os.write(1, b"%d %d\n" % (life, number))
    note("L", life, number)
    number += 1
    if kind == "notify":    # more than once, as a message to a supervisor that is killed before it reads it is lost
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                s.sendto(b"READY=1", "\0" + os.environ["NOTIFY_SOCKET"][1:])
        except OSError:
            pass
    while asked:
        if asked.pop(0) == "R":
            note("R", pid)
            continue
        note("E", pid, 0)
        note("D", life, 0)
        os._exit(0)
    left -= 1
    if left <= 0 and kind in ("crasher", "job", "both") and not (kind != "job" and os.path.exists(f"{D}/calm")):
        status = 0 if kind == "job" else chance.randrange(1, 100)
        note("E", pid, status)
        note("D", life, 0)
        os._exit(status)
    time.sleep(pace * chance.uniform(0.2, 1.8))
"""
HOOK = 'echo "H $1 $INVOCATION_ID" >> "$D/record/$REEVE_SERVICE"'

STEADY = ("steady1", "steady2", "ready1", "daemon1")    # nobody tells them anything, and they do not end
CRASHERS = ("crash1", "crash2", "crash3")               # they exit and are killed, and nobody tells them anything
TOLD = ("told1", "told2", "told3", "hooked")            # they are started, stopped and restarted, and do not end by themselves
BOTH = ("both1",)
JOBS = ("job1",)
RELOADED = ("steady2",)


def hook(turn):
    return ["sh", "-c", HOOK.replace("$", "$$"), "sh", turn]


def services(pace):
    log = {"to": "file", "max_size": "16KiB", "max_files": 100000, "compress": "none"}
    defaults = {"log": log, "backoff": {"initial": "10ms", "max": "50ms", "reset_after": "1h"}, "stop": {"timeout": "20s"}}

    def worker(name, kind, **more):
        # The worker's text is in a file, so that it is not in every record of a state.
        return {**defaults, "command": [PYTHON, "-S", "-E", "${D}/worker.py", name, kind, str(pace)], **more}
    made = {name: worker(name, "steady") for name in ("steady1", "told1", "told2", "told3")}
    made["steady2"] = worker("steady2", "steady", reload={"signal": "HUP"}, log={**log, "compress": "zstd"})
    made["ready1"] = worker("ready1", "notify", ready="notify")
    made["daemon1"] = worker("daemon1", "forking", type="forking", pid_file="${D}/daemon1.pid")
    made["hooked"] = worker("hooked", "steady", **{turn: hook(turn) for turn in ("pre_start", "post_start", "pre_stop", "post_stop")})
    made["job1"] = worker("job1", "job", type="oneshot", enabled=False)
    made.update({name: worker(name, "crasher") for name in CRASHERS})
    made.update({name: worker(name, "both") for name in BOTH})
    return made


def prepare(folder):
    for name in ("lock", "record"):
        os.mkdir(f"{folder}/{name}")
    with open(f"{folder}/worker.py", "w", encoding="utf-8") as f:
        f.write(WORKER)


class Record:
    """What a service has noted so far. There is one for each file, which reads on where it was whenever it is asked for."""
    known, lock = {}, threading.Lock()

    def __new__(cls, folder, name):
        with cls.lock:
            path = f"{folder}/record/{name}"
            record = cls.known.get(path)
            if record is None:
                record = cls.known[path] = super().__new__(cls)
                record.path, record.read = path, 0
                record.starts, record.invocations = [], []      # in order
                record.lines = []                               # (life, number)
                record.ends = {}                                # status by pid, of the last that had it
                record.over = set()                             # lives that have ended by themselves
                record.hooks = collections.defaultdict(list)    # turns by invocation, with "main" where it has started
                record.reloads = 0
            record.read_on()
            return record

    def read_on(self):
        try:
            with open(self.path, "rb") as f:
                f.seek(self.read)
                text = f.read()
        except FileNotFoundError:
            return
        whole = text[:text.rfind(b"\n") + 1]    # the rest is being written
        self.read += len(whole)
        for line in whole.decode("ascii").splitlines():
            self.take(*line.split())

    def take(self, kind, first, second=None):
        if kind == "S":
            self.starts.append(int(first))
            self.ends.pop(int(first), None)
            self.invocations.append(second)
            self.hooks[second].append("main")
        elif kind == "L":
            self.lines.append((int(first), int(second)))
        elif kind == "R":
            self.reloads += 1
        elif kind == "E":
            self.ends[int(first)] = int(second)
        elif kind == "D":
            self.over.add(int(first))
        elif kind == "H":
            self.hooks[second].append(first)

    def present(self):
        """The pid of the last start unless it has said that it ends."""
        return self.starts[-1] if self.starts and self.starts[-1] not in self.ends else None


def compare(record, logged):
    """What is wrong with a log, which is to hold each line of the record once and in order. Of one that was killed the last
    line may be logged and not noted: [(sentence)], how many are missing, how many too many."""
    wrong, lost, more = [], 0, 0
    counts = collections.Counter(logged)
    for line, times in counts.items():
        if times > 1:
            more += times - 1
            wrong.append(f"{line} is there {times} times")
    noted = set(record.lines)
    missing = collections.defaultdict(list)
    for life, number in record.lines:
        if (life, number) not in counts:
            lost += 1
            missing[life].append(number)
    last = {}
    for life, number in record.lines:
        last[life] = number
    for life, numbers in missing.items():
        where = "the last that it wrote" if numbers[-1] == last[life] and len(numbers) == last[life] + 1 - numbers[0] else "in between"
        wrong.append(f"{len(numbers)} lines of {life} are missing, {where}: {numbers[0]} to {numbers[-1]}")
    for life, number in logged:
        if (life, number) not in noted:
            if life in record.over or number != last.get(life, -1) + 1:
                more += 1
                wrong.append(f"{(life, number)} was never written")
    if not wrong:
        at = {line: i for i, line in enumerate(record.lines)}
        order = [at[line] for line in logged if line in at]
        if order != sorted(order):
            wrong.append("lines are in another order")
    return wrong, lost, more
