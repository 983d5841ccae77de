"""The two ways in which a supervisor can know a service's processes exactly, for tests that must hold in both."""
from harness import Supervisor


class WithCgroups:
    """As good as can be had here: by cgroups, if they are writable."""
    prefix = ()

    def supervise(self, *args, **more):
        return Supervisor(*args, prefix=self.prefix, **more)

    def tracking(self, s):
        return s.status("web")["tracking"]


class WithoutCgroups(WithCgroups):
    """The same where there are none to be seen."""
    prefix = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"', "sh")
