#include "supervisor/log/pipes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace reeve::log {

namespace {

std::string name_of(const std::string& service, bool err) {
    return service + (err ? ".stderr" : ".stdout");
}

Result<> give_to(int fd, const struct stat& st, uid_t uid, gid_t gid, const std::string& what) {
    if ((st.st_uid != uid || st.st_gid != gid) && ::fchown(fd, uid, gid) != 0) {
        return system_error("cannot change the owner of " + what);
    }
    if ((st.st_mode & 07777) != 0600 && ::fchmod(fd, 0600) != 0) {
        return system_error("cannot change the mode of " + what);
    }
    return {};
}

/// A description of its own for an anonymous pipe, so that a child's flags are its own business.
Result<Fd> reopened(int fd) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    Fd own(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!own) own.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 0));  // without /proc
    if (!own) return system_error("cannot open a log pipe");
    return own;
}

}  // namespace

Result<Pipes> Pipes::open(const std::string& runtime_dir) {
    Pipes pipes;
    if (runtime_dir.empty()) return pipes;
    pipes.path_ = runtime_dir + "/fifo";
    if (auto made = pipes.make_directory(); !made) return made.error();
    return pipes;
}

Result<> Pipes::make_directory() {
    if (::mkdir(path_.c_str(), 0700) != 0 && errno != EEXIST) {
        return system_error("cannot create " + path_);
    }
    directory_.reset(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!directory_) return system_error("cannot open " + path_);
    return {};
}

Result<Pipes::Opened> Pipes::open(const std::string& service, uid_t uid, gid_t gid) {
    if (service.empty() || service.front() == '.' || service.find('/') != std::string::npos) {
        return error("cannot make log pipes for '" + service + "': not a name");
    }
    const auto known = known_.find(service);
    const bool has_anonymous = known != known_.end() && known->second.out;
    if (!directory_ || has_anonymous) return open_anonymous(service, uid, gid);
    auto opened = open_fifos(service, uid, gid);
    // Cleaners of temporary files remove whole directories.
    if (!opened && opened.error().errnum == ENOENT && make_directory()) {
        known_.erase(service);
        opened = open_fifos(service, uid, gid);
    }
    const int errnum = opened ? 0 : opened.error().errnum.value_or(0);
    if (opened || (errnum != ENOSPC && errnum != EDQUOT && errnum != ENOENT)) return opened;
    known_.erase(service);
    auto instead = open_anonymous(service, uid, gid);
    if (instead) instead->no_fifo = opened.error();
    return instead;
}

Result<Fd> Pipes::fifo(const std::string& name, uid_t uid, gid_t gid, bool& made) {
    const std::string what = path_ + "/" + name;
    struct stat st {};
    const auto open_it = [&]() -> Fd {
        Fd fd(::openat(directory_.get(), name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY));
        if (!fd || ::fstat(fd.get(), &st) != 0) return Fd();
        if (S_ISFIFO(st.st_mode)) return fd;
        errno = ELOOP;
        return Fd();
    };
    Fd fd = open_it();
    if (!fd && (errno == ENOENT || errno == ELOOP)) {
        if (errno == ELOOP) ::unlinkat(directory_.get(), name.c_str(), 0);
        if (::mkfifoat(directory_.get(), name.c_str(), 0600) != 0) {
            return system_error("cannot create " + what);
        }
        made = true;
        fd = open_it();
    }
    if (!fd) return system_error("cannot open " + what);
    if (auto given = give_to(fd.get(), st, uid, gid, what); !given) return given.error();
    return fd;
}

Result<Fd> Pipes::reading_end(const std::string& name) {
    Fd fd(::openat(directory_.get(), name.c_str(),
                   O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY));
    if (!fd) return system_error("cannot open " + path_ + "/" + name);
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0 || !S_ISFIFO(st.st_mode)) {
        return error("cannot read " + path_ + "/" + name + ": not a FIFO");
    }
    return fd;
}

Result<Pipes::Opened> Pipes::open_fifos(const std::string& service, uid_t uid, gid_t gid) {
    bool made = false;
    auto out = fifo(name_of(service, false), uid, gid, made);
    if (!out) return out.error();
    auto err = fifo(name_of(service, true), uid, gid, made);
    if (!err) return err.error();
    Opened opened{{std::move(*out), std::move(*err)}, {}, {}};
    if (made || !known_.contains(service)) {
        auto read_out = reading_end(name_of(service, false));
        if (!read_out) return read_out.error();
        auto read_err = reading_end(name_of(service, true));
        if (!read_err) return read_err.error();
        opened.reading = FdPair{std::move(*read_out), std::move(*read_err)};
        known_[service];
    }
    return opened;
}

Result<Pipes::Opened> Pipes::open_anonymous(const std::string& service, uid_t uid, gid_t gid) {
    Opened opened;
    auto known = known_.find(service);
    if (known == known_.end()) {
        Made made;
        FdPair reading;
        for (const auto& [read_end, write_end] :
             {std::pair{&reading.out, &made.out}, std::pair{&reading.err, &made.err}}) {
            int ends[2];
            if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("cannot make a log pipe");
            read_end->reset(ends[0]);
            write_end->reset(ends[1]);
            // The two ends are two descriptions: the child's stays a blocking one.
            if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
                return system_error("cannot make a log pipe");
            }
        }
        known = known_.emplace(service, std::move(made)).first;
        opened.reading = std::move(reading);
    }
    for (const auto& [kept, child] : {std::pair{&known->second.out, &opened.child.out},
                                      std::pair{&known->second.err, &opened.child.err}}) {
        struct stat st {};
        if (::fstat(kept->get(), &st) != 0) return system_error("cannot look at a log pipe");
        auto given = give_to(kept->get(), st, uid, gid, "a log pipe");
        auto own = given ? reopened(kept->get()) : Result<Fd>(given.error());
        if (!own) {
            if (opened.reading) known_.erase(known);
            return own.error();
        }
        *child = std::move(*own);
    }
    return opened;
}

Result<std::optional<FdPair>> Pipes::adopt(const std::string& service,
                                           const std::function<FdPair()>& held) {
    if (!directory_ || known_.contains(service)) return std::optional<FdPair>();
    auto out = reading_end(name_of(service, false));
    auto err = reading_end(name_of(service, true));
    for (const auto* end : {&out, &err}) {
        if (!*end && end->error().errnum != ENOENT) return end->error();
    }
    FdPair reading;
    // When one of the two is missing, the next open() makes it and gives out both again.
    if (out && err) {
        known_[service];
    } else if (held) {
        reading = held();
    }
    if (out) reading.out = std::move(*out);
    if (err) reading.err = std::move(*err);
    if (!reading.out && !reading.err) return std::optional<FdPair>();
    return std::optional<FdPair>(std::move(reading));
}

void Pipes::remove(const std::string& service) {
    known_.erase(service);
    if (!directory_) return;
    for (const bool err : {false, true}) {
        ::unlinkat(directory_.get(), name_of(service, err).c_str(), 0);
    }
}

}  // namespace reeve::log
