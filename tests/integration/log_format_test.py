"""Log files as those read them who have never heard of reeve: a strict parser of the CRI format."""
import os
import re
import subprocess
import unittest

from harness import PATIENCE, Supervisor, needs, python

RECORD = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (stdout|stderr) ([FP]) (.*)$", re.DOTALL)


def rotated(folder):
    """The rotated files of a folder, oldest first, each once: {plain name: name to be read}."""
    names = sorted(n for n in os.listdir(folder) if n.startswith("@"))
    # Where both forms are there the compressed one is whole, and comes later.
    return {n.removesuffix(".zst"): n for n in names}


def content(path):
    if not os.path.exists(path) and os.path.exists(path + ".zst"):
        path += ".zst"      # it has been compressed since somebody looked
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True, timeout=PATIENCE).stdout
    with open(path, "rb") as f:
        return f.read()


def log_contents(folder):
    """The text of every file of a service, oldest first."""
    names = [*rotated(folder).values()]
    if os.path.exists(folder + "/current"):
        names.append("current")
    return [content(os.path.join(folder, n)) for n in names]


def parse(contents):
    """The whole lines of each stream, from the texts of its files; whatever is no record raises."""
    lines, parts = {b"stdout": [], b"stderr": []}, {b"stdout": [], b"stderr": []}
    for text in contents:
        if text and not text.endswith(b"\n"):
            raise ValueError(f"no end of the last line: {text[-100:]}")
        latest = b""
        for line in text.split(b"\n")[:-1]:
            record = RECORD.match(line)
            if not record:
                raise ValueError(f"no record: {line[:200]}")
            time, stream, tag, rest = record.groups()
            if time < latest:
                raise ValueError(f"{time} after {latest}")
            latest = time
            parts[stream].append(rest)
            if tag == b"F":
                lines[stream].append(b"".join(parts[stream]))
                parts[stream] = []
    for stream, left in parts.items():
        if left:
            raise ValueError(f"an unfinished line of {stream}: {left[-1][-100:]}")
    return lines[b"stdout"], lines[b"stderr"]


class Format(unittest.TestCase):
    def lines_of(self, script, **log):
        """What a parser finds of a oneshot that has run to its end, and the files."""
        service = {"type": "oneshot", "command": python(script), "log": {"to": "file", **log}}
        with Supervisor({"services": {"job": service}}) as s:
            s.wait_for("job", "done")
            contents = log_contents(s.logs + "/job")
            return parse(contents), contents

    def test_every_byte_but_the_newline(self):
        (out, err), _ = self.lines_of(
            "import sys\nall = bytes(b for b in range(256) if b != 10)\n"
            "sys.stdout.buffer.write(all + b'\\n' + all * 300 + b'\\n')\nsys.stderr.buffer.write(b'\\r\\n\\0\\n')")
        every = bytes(b for b in range(256) if b != 10)
        self.assertEqual(out, [every, every * 300])
        self.assertEqual(err, [b"\r", b"\0"])

    def test_empty_lines_and_spaces(self):
        (out, _), _ = self.lines_of("print('\\n\\n \\n  two\\n'); print()")
        self.assertEqual(out, [b"", b"", b" ", b"  two", b"", b""])

    def test_a_last_line_without_newline(self):
        for length in (3, 16 << 10, 1 << 20):
            (out, _), _ = self.lines_of(f"print('one\\n' + 'x' * {length}, end='')")
            self.assertEqual(out, [b"one", b"x" * length])

    def test_lines_of_megabytes_among_others(self):
        size = 3 << 20
        (out, err), contents = self.lines_of(
            f"import os\nfor i in range(3):\n os.write(2, b'before\\n')\n print(str(i) * {size}, flush=True)\n"
            " os.write(2, b'after\\n')", max_size="1MiB", max_files=1000)
        self.assertEqual([(line[:1], len(line)) for line in out], [(b"%d" % i, size) for i in range(3)])
        self.assertEqual(err, [b"before", b"after"] * 3)
        self.assertGreater(len(contents), 3)

    def test_a_line_in_parts_stays_in_one_file(self):
        """With room for the parts of one line, no file ends with a part."""
        (out, _), contents = self.lines_of(
            "for i in range(400): print('%d ' % i + 'x' * 5000)", max_line="1KiB", max_size="64KiB", max_files=1000)
        self.assertEqual([line.split()[0] for line in out], [b"%d" % i for i in range(400)])
        self.assertGreater(len(contents), 10)
        for text in contents:
            parse([text])

    @needs("zstd")
    def test_times_never_go_back_within_a_file_whatever_becomes_of_it(self):
        (out, err), contents = self.lines_of(
            "import os\nfor i in range(20000): os.write(1 + i % 2, b'line %d\\n' % i)",
            max_size="32KiB", max_files=1000, compress="zstd")
        self.assertEqual(out, [b"line %d" % i for i in range(0, 20000, 2)])
        self.assertEqual(err, [b"line %d" % i for i in range(1, 20000, 2)])
        self.assertGreater(len(contents), 20)


if __name__ == "__main__":
    unittest.main()
