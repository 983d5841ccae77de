"""File systems that have no room, and what a supervisor tells of a log that is on one."""
import os

from waiting import Deadline


def fill_up(path):
    """Makes a file that takes all the room there is."""
    with open(path, "wb", buffering=0) as file:
        size, step = 0, 64 << 20
        while step >= 4096:
            try:
                os.posix_fallocate(file.fileno(), size, step)
                size += step
            except OSError:
                step //= 2


class LogTroubles:
    """For supervisors whose logs get into trouble."""

    def log_status(self, service):
        return self.status(service)["log"]

    def await_log(self, service, condition):
        deadline = Deadline()
        while deadline.left():
            if condition(self.log_status(service)):
                return
        raise AssertionError(f"the log of {service} is {self.log_status(service)}")
