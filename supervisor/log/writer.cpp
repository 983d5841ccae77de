#include "supervisor/log/writer.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace reeve::log {

namespace {

constexpr std::size_t kBufferBytes = 256u << 10;
constexpr std::size_t kMaxOpenFiles = 256;

WallTime wall_now() {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

}  // namespace

Writer::Writer(std::string log_dir, int console_fd, const std::string& syslog_path,
               std::function<void(std::string)> report)
    : log_dir_(std::move(log_dir)),
      console_(console_fd),
      syslog_(syslog_path, report),
      report_(std::move(report)),
      buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {
    // Who follows a log watches this folder, also before the first line. If it cannot be made, the
    // first line's failure says so.
    if (!log_dir_.empty()) LogFile::make_directories(log_dir_);
}

Sink* Writer::write(Stream& stream, Tail tail, Time now) {
    const config::Log& log = stream.service->log;
    const bool to_file = log.to_file && !log_dir_.empty();
    const bool to_console = log.to_console || (log.to_file && log_dir_.empty());
    const Cut cut{std::clamp<std::size_t>(log.max_line, 1, kMaxPart), tail};
    while (stream.slot != nullptr) {
        std::string_view input = stream.slot->unwritten();
        Cut taken_cut = cut;
        if (!to_file && !to_console && !log.to_syslog) {
            stream.on_console = {};
            stream.slot->commit(input.size());
            break;
        }
        if (!next_record(input, cut)) break;
        // The sinks first: they take what they can, and a file can then always follow.
        if (Sink* stuck = offer(stream, to_console, input, taken_cut, now)) return stuck;
        if (to_file) {
            write_file(stream, input, taken_cut, now);
        } else {
            stream.mid_line = taken_cut.tail == Tail::Part;
            stream.slot->commit(input.size());
        }
    }
    if (tail == Tail::Finish && stream.mid_line) {
        // Its last part was written before anybody could know that it was the last.
        if (to_file) write_file(stream, {}, cut, now);
        stream.mid_line = false;
    }
    return log.to_syslog && !syslog_.flush(now) ? &syslog_ : nullptr;
}

/// Gives the sinks of a stream what they take of the input, and leaves in it what all of them have;
/// otherwise says who took nothing.
Sink* Writer::offer(Stream& stream, bool to_console, std::string_view& input, Cut& cut, Time now) {
    const Service& service = *stream.service;
    Sink::Taken& on_console = stream.on_console;
    const auto leave = [&](const Sink::Taken& taken) {
        input = input.substr(0, taken.consumed);
        cut.tail = taken.tail;
    };
    if (to_console && on_console.consumed == 0) {
        on_console = console_.take(service.name, input, cut);
        if (on_console.consumed == 0) return &console_;
    }
    if (on_console.consumed > 0) leave(on_console);
    if (service.log.to_syslog) {
        const Sink::Taken taken = syslog_.take(service.name, stream.source, input, cut, now);
        if (taken.consumed == 0) return &syslog_;
        leave(taken);
    }
    on_console.consumed -= std::min(on_console.consumed, input.size());
    return nullptr;
}

void Writer::write_file(Stream& stream, std::string_view input, Cut cut, Time now) {
    Service& service = *stream.service;
    // An empty input ends a line that was begun; a newline of our own stands for it.
    const bool ending = input.empty();
    if (ending) input = "\n";
    while (next_record(input, cut)) {
        auto ready = prepare(service, now);
        std::size_t head = 0;
        Framed batch;
        stamp_ = stamps_.text(service.file.stamp(wall_now()));
        if (ready) {
            head = put_lost_notice(service);
            batch = frame_for(stream, input, cut, head);
            if (batch.consumed == 0) {
                service.rotation_failed = !rotate(service);
                continue;
            }
            if (!ending) stream.slot->arm(service.file.mark());
            ready = service.file.append({buffer_.get(), head + batch.written});
        } else {
            batch = frame(input, cut, stream.source, stamp_, stream.mid_line,
                          {buffer_.get(), kBufferBytes});
        }
        if (!ready) {
            lost(service, batch, ready.error(), now);
        } else {
            service.lost = 0;
        }
        stream.mid_line = batch.mid_line;
        if (!ending) stream.slot->commit(batch.consumed);
        input.remove_prefix(batch.consumed);
    }
}

Framed Writer::frame_for(Stream& stream, std::string_view input, const Cut& cut, std::size_t head) {
    const Service& service = *stream.service;
    const std::uint64_t size = service.file.size(), max_size = service.log.max_size;
    const auto frame_into = [&](std::string_view bytes, const Cut& how, std::size_t limit) {
        const std::size_t room = limit > head ? limit - head : 0;
        return frame(bytes, how, stream.source, stamp_, stream.mid_line,
                     {buffer_.get() + head, room});
    };
    if (service.rotation_failed) return frame_into(input, cut, kBufferBytes);
    const std::uint64_t left = size < max_size ? max_size - size : 0;
    const Framed batch = frame_into(input, cut, std::min<std::uint64_t>(left, kBufferBytes));
    if (batch.consumed > 0) return batch;
    // The parts of one line stay in one file, unless it has no end in sight.
    const bool mid_line = service.out.mid_line || service.err.mid_line;
    const bool endless = size / 2 >= max_size;
    if (size > 0 && (!mid_line || endless)) return batch;
    const auto record = next_record(input, cut);
    return frame_into(input.substr(0, record->consumed),
                      {cut.max_line, record->final ? Tail::Finish : Tail::Part}, kBufferBytes);
}

bool Writer::rotate(Service& service) {
    const auto rotated = service.file.rotate(directory(service), service.log.max_files, wall_now());
    if (!rotated && !service.rotation_failed) {
        report_("cannot rotate the log of " + service.name + ": " + rotated.error().text());
    }
    // Removing an old one may fail after the new one has begun: that is no reason not to rotate.
    return rotated || !service.file.is_open();
}

std::size_t Writer::put_lost_notice(const Service& service) {
    if (service.lost == 0) return 0;
    const std::string text = "reeve: " + std::to_string(service.lost) +
                             " lines lost: " + Error::strerrordesc(service.lost_why) + "\n";
    return frame(text, {text.size(), Tail::Keep}, Source::Err, stamp_, false,
                 {buffer_.get(), kBufferBytes})
        .written;
}

void Writer::lost(Service& service, const Framed& batch, const Error& why, Time now) {
    const int errnum = why.errnum.value_or(EIO);
    // On a disk that is nearly full short batches still fit: that is one failure, not many.
    if (service.lost_why != errnum || now - service.lost_told > 1min) {
        service.lost_told = now;
        report_("cannot write the log of " + service.name + ", its lines are lost: " + why.text());
    }
    service.lost += std::max<std::size_t>(batch.lines, 1);
    service.lost_why = errnum;
}

Result<> Writer::prepare(Service& service, Time now) {
    service.file_used = now;
    if (!service.file_listed && open_.size() >= kMaxOpenFiles) close_one();
    auto looked = service.file.prepare(directory(service), now);
    const auto descriptors_lack = [&] {
        return !looked && (looked.error().errnum == EMFILE || looked.error().errnum == ENFILE);
    };
    while (descriptors_lack() && close_one()) {
        looked = service.file.prepare(directory(service), now);
    }
    if (!looked) return looked.error();
    // A rotation that failed may work again, but need not be tried at every line.
    if (*looked) service.rotation_failed = false;
    if (!std::exchange(service.file_listed, true)) open_.push_back(&service);
    return {};
}

/// Closes the file that was not written to for the longest time, so that another can be opened.
bool Writer::close_one() {
    const auto oldest = std::min_element(
        open_.begin(), open_.end(),
        [](const Service* a, const Service* b) { return a->file_used < b->file_used; });
    if (oldest == open_.end()) return false;
    (*oldest)->file.close();
    (*oldest)->file_listed = false;
    *oldest = open_.back();
    open_.pop_back();
    return true;
}

void Writer::undo(const Service& service, const FileMark& mark) {
    if (log_dir_.empty()) return;
    if (auto undone = LogFile::undo(directory(service), mark); !undone) {
        report_(undone.error().text() + "; lines may be there twice");
    }
}

void Writer::reopen() {
    while (close_one()) {
    }
}

void Writer::forget(Service& service) {
    if (service.file_listed) std::erase(open_, &service);
    service.file.close();
    service.file_listed = false;
}

const std::string& Writer::directory(const Service& service) {
    return path_.assign(log_dir_).append("/").append(service.name);
}

}  // namespace reeve::log
