"""A file system that can be made to hang or to fail: a small FUSE server, spoken by hand, in front of a folder.

    hanging_fs.py FOLDER MOUNTPOINT PID_FILE [COMMAND...]

mounts in a mount namespace of its own, writes the server's pid and becomes the command; without one it mounts in the
caller's namespace and leaves the server to the caller. While the server is stopped
(SIGSTOP) nothing that touches a file comes back; SIGCONT lets it go on, and once it is killed all fails. While there is a
file FOLDER.errno, each write comes half through and then fails by the number in it."""
import contextlib
import ctypes
import errno
import os
import signal
import stat
import struct
import sys

LOOKUP, FORGET, GETATTR, SETATTR, MKDIR, UNLINK, RMDIR, RENAME = 1, 2, 3, 4, 9, 10, 11, 12
OPEN, READ, WRITE, RELEASE, FLUSH, INIT, OPENDIR, READDIR = 14, 15, 16, 18, 25, 26, 27, 28
RELEASEDIR, ACCESS, CREATE, INTERRUPT, BATCH_FORGET, RENAME2 = 29, 34, 35, 36, 42, 45
WITHOUT_ANSWER = (FORGET, BATCH_FORGET, INTERRUPT)
BUFFER = 1 << 20
NO_FLUSH = 1 << 5       # the end of a process does not wait for us
PR_SET_PDEATHSIG = 1
CLONE_NEWNS, MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV = 0x20000, 0x4000, 1 << 18, 2, 4


class Server:
    def __init__(self, fd, folder):
        self.fd, self.paths, self.nodes, self.failing = fd, {1: folder}, {folder: 1}, folder + ".errno"
        self.answers = {LOOKUP: self.lookup, GETATTR: self.getattr, SETATTR: self.setattr, MKDIR: self.mkdir,
                        UNLINK: self.unlink, RENAME: self.rename, RENAME2: self.rename2, OPEN: self.open,
                        READ: self.read, WRITE: self.write, RELEASE: self.release, INIT: self.init,
                        OPENDIR: self.opendir, READDIR: self.readdir, RELEASEDIR: lambda *_: b"",
                        ACCESS: lambda *_: b"", CREATE: self.create}

    def run(self):
        while True:
            try:
                request = os.read(self.fd, BUFFER + 4096)
            except OSError as e:
                if e.errno in (errno.EINTR, errno.ENOENT):
                    continue
                return
            _, opcode, unique, node = struct.unpack_from("<IIQQ", request)
            if opcode in WITHOUT_ANSWER:
                continue
            status, body = 0, b""
            try:
                body = self.answers[opcode](node, request[40:])
            except KeyError:
                status = -errno.ENOSYS
            except OSError as e:
                status = -e.errno
            os.write(self.fd, struct.pack("<IiQ", 16 + len(body), status, unique) + body)

    # -- names and attributes --------------------------------------------------
    def child(self, node, name):
        return os.path.join(self.paths[node], os.fsdecode(name.split(b"\0")[0]))

    def attributes(self, path):
        st = os.lstat(path)
        return struct.pack("<QQQQQQIIIIIIIIII", st.st_ino, st.st_size, st.st_blocks, int(st.st_atime),
                           int(st.st_mtime), int(st.st_ctime), 0, 0, 0, st.st_mode, st.st_nlink, st.st_uid,
                           st.st_gid, 0, 4096, 0)

    def entry(self, path):
        attributes = self.attributes(path)
        node = self.nodes.setdefault(path, len(self.paths) + 1)
        self.paths[node] = path
        return struct.pack("<QQQQII", node, 0, 0, 0, 0, 0) + attributes

    def init(self, _, body):
        readahead = struct.unpack_from("<IIII", body)[2]
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, readahead, 0, 16, 12, BUFFER, 1, 256, 0, 0)

    def lookup(self, node, body):
        return self.entry(self.child(node, body))

    def getattr(self, node, _):
        return struct.pack("<QII", 0, 0, 0) + self.attributes(self.paths[node])

    def setattr(self, node, body):
        if struct.unpack_from("<I", body)[0] & 8:
            os.truncate(self.paths[node], struct.unpack_from("<Q", body, 16)[0])
        return self.getattr(node, b"")

    def mkdir(self, node, body):
        path = self.child(node, body[8:])
        os.mkdir(path, struct.unpack_from("<I", body)[0])
        return self.entry(path)

    def unlink(self, node, body):
        path = self.child(node, body)
        os.unlink(path)
        self.nodes.pop(path, None)
        return b""

    def rename2(self, node, body):
        return self.rename(node, body[:8] + body[16:])      # without the flags

    def rename(self, node, body):
        to, = struct.unpack_from("<Q", body)
        old, new = body[8:].split(b"\0")[:2]
        old, new = self.child(node, old), self.child(to, new)
        os.rename(old, new)
        moved = self.nodes.pop(old, None)
        if moved:
            self.nodes[new], self.paths[moved] = moved, new
        return b""

    # -- contents --------------------------------------------------------------
    def open(self, node, body):
        flags = struct.unpack_from("<I", body)[0] & (os.O_ACCMODE | os.O_APPEND)
        fd = os.open(self.paths[node], flags & ~os.O_APPEND)
        return struct.pack("<QII", fd, NO_FLUSH, 0)

    def create(self, node, body):
        _, mode = struct.unpack_from("<II", body)
        path = self.child(node, body[16:])
        fd = os.open(path, os.O_RDWR | os.O_CREAT, mode)
        return self.entry(path) + struct.pack("<QII", fd, NO_FLUSH, 0)

    def read(self, _, body):
        fd, offset, size = struct.unpack_from("<QQI", body)
        return os.pread(fd, size, offset)

    def write(self, _, body):
        fd, offset, size = struct.unpack_from("<QQI", body)
        with contextlib.suppress(FileNotFoundError), open(self.failing, encoding="ascii") as f:
            os.pwrite(fd, body[40:40 + size // 2], offset)
            raise OSError(int(f.read()), "as told")
        return struct.pack("<II", os.pwrite(fd, body[40:40 + size], offset), 0)

    def release(self, _, body):
        os.close(struct.unpack_from("<Q", body)[0])
        return b""

    def opendir(self, *_):
        return struct.pack("<QII", 0, 0, 0)

    def readdir(self, node, body):
        _, offset, size = struct.unpack_from("<QQI", body)
        entries = b""
        for i, name in enumerate(sorted(os.listdir(self.paths[node]))[offset:], int(offset) + 1):
            name = os.fsencode(name)
            record = struct.pack("<QQII", i, i, len(name), stat.S_IFREG >> 12) + name
            record += bytes(-len(record) % 8)
            if len(entries) + len(record) > size:
                break
            entries += record
        return entries


def mount(fd, where, own_namespace):
    libc = ctypes.CDLL(None, use_errno=True)

    def must(result):
        if result != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if own_namespace:
        must(libc.unshare(CLONE_NEWNS))
        must(libc.mount(b"", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None))
    options = f"fd={fd},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    must(libc.mount(b"hanging", os.fsencode(where), b"fuse", ctypes.c_ulong(MS_NOSUID | MS_NODEV), options.encode()))


def main():
    if sys.argv[1] == "--serve":
        return Server(int(sys.argv[2]), sys.argv[3]).run()
    folder, where, pid_file, *command = sys.argv[1:]
    fd = os.open("/dev/fuse", os.O_RDWR)
    mount(fd, where, bool(command))
    server = os.fork()
    if server == 0:
        # Not of the group or session of the command, nor with its output.
        os.setsid()
        if command:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        null = os.open("/dev/null", os.O_RDWR)
        for taken in range(3):
            os.dup2(null, taken)
        # Nor with its environment, by which its processes are known.
        os.set_inheritable(fd, True)
        os.execve(sys.executable, [sys.executable, "-B", __file__, "--serve", str(fd), folder], {})
    os.close(fd)
    with open(pid_file, "w", encoding="ascii") as f:
        f.write(str(server))
    if command:
        os.execvp(command[0], command)


if __name__ == "__main__":
    main()
