#include "supervisor/log/writer.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "supervisor/log/clock.h"

namespace reeve::log {

namespace {

constexpr std::size_t kMaxOpenFiles = 256;

bool is_old(const Service& service) {
    return service.log.max_age && service.file.is_older_than(*service.log.max_age);
}

}  // namespace

Writer::Writer(std::string log_dir, int console_fd, const std::string& syslog_path, Disk& disk,
               Troubles& troubles, Ledger& ledger, const Report& report)
    : log_dir_(std::move(log_dir)),
      console_(console_fd),
      syslog_(syslog_path, report),
      archive_(log_dir_),
      disk_(disk),
      troubles_(troubles),
      ledger_(ledger),
      report_(std::move(report)),
      buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {}

void Writer::begin() {
    // Who follows a log watches this folder, also before the first line. If it cannot be made, the
    // first line's failure says so.
    if (!log_dir_.empty()) disk_.call([this] { return LogFile::make_directories(log_dir_); });
}

Writer::Ways Writer::ways_of(const Service& service) const {
    const config::Log& log = service.log;
    const bool files = !log_dir_.empty();
    return {log.to_file && files, log.to_console || (log.to_file && !files), log.to_syslog};
}

Writer::Awaits Writer::write(Stream& stream, Tail tail, Time now) {
    const Service& service = *stream.service;
    const Ways ways = ways_of(service);
    const Cut cut{std::clamp<std::size_t>(service.log.max_line, 1, kMaxPart), tail};
    while (stream.slot != nullptr) {
        const std::string_view input = stream.slot->unwritten();
        if (!ways.file && !ways.console && !ways.syslog) {
            stream.on_console = {};
            stream.slot->commit(input.size());
            break;
        }
        if (!next_record(input, cut)) break;
        if (skip_rest(stream, cut)) continue;
        if (stream.passed == 0) {
            const Awaits awaits = pass(stream, cut, now);
            if (!awaits.nobody()) return awaits;
        }
        // Fewer than there were: the rate did not let them through.
        if (stream.passed == 0) continue;
        const std::size_t passed = std::exchange(stream.passed, 0);
        if (!ways.file) {
            stream.mid_line = stream.passed_tail == Tail::Part;
            stream.slot->commit(passed);
            continue;
        }
        const std::size_t before = stream.slot->unwritten().size();
        const Cut passed_cut{cut.max_line, stream.passed_tail};
        if (!write_file(stream, stream.slot->unwritten().substr(0, passed), passed_cut, now)) {
            stream.passed = passed - (before - stream.slot->unwritten().size());
            return {.disk = true};
        }
    }
    Awaits awaits;
    if (tail == Tail::Finish) awaits = finish(stream, cut, now);
    if (awaits.nobody() && ways.syslog && !syslog_.flush(now)) awaits.sink = &syslog_;
    return awaits;
}

/// Drops the rest of a line whose beginning was.
bool Writer::skip_rest(Stream& stream, const Cut& cut) {
    if (!stream.skipping && !stream.over_rate) return false;
    const auto record = next_record(stream.slot->unwritten(), cut);
    stream.on_console.consumed -= std::min(stream.on_console.consumed, record->consumed);
    if (!record->final) {
        stream.slot->commit(record->consumed);
    } else {
        lose_rest(stream, record->consumed);
    }
    return true;
}

/// As much of what is in the slot as the rate lets through, or drops what it does not.
std::string_view Writer::allowed(Stream& stream, const Cut& cut, Time now) {
    Service& service = *stream.service;
    const std::string_view input = stream.slot->unwritten();
    if (!service.log.rate) return input;
    // What the console has taken was let through.
    if (stream.on_console.consumed > 0) return input;
    const std::uint64_t left = service.rate.left(*service.log.rate, now);
    const std::size_t size = first_lines(input, cut, stream.mid_line, left).consumed;
    if (size > 0) return input.substr(0, size);
    const Framed over = count_records(input, cut, false);
    stream.over_rate = over.mid_line;
    count_over_rate(stream, over.lines, over.consumed);
    return {};
}

/// Decides what goes to the file next: what the rate lets through and the sinks have taken.
Writer::Awaits Writer::pass(Stream& stream, const Cut& cut, Time now) {
    Service& service = *stream.service;
    std::string_view input = allowed(stream, cut, now);
    if (input.empty()) return {};
    Cut taken = cut;
    // The sinks first: they take what they can, and a file can then always follow.
    if (Sink* stuck = offer(stream, input, taken, now)) return {.sink = stuck};
    if (service.log.rate) {
        const Framed lines = first_lines(input, taken, stream.mid_line, input.size());
        service.rate.use(lines.lines);
    }
    stream.passed = input.size();
    stream.passed_tail = taken.tail;
    return {};
}

/// Gives the sinks of a stream what they take of the input, and leaves in it what all of them have;
/// otherwise says who took nothing.
Sink* Writer::offer(Stream& stream, std::string_view& input, Cut& cut, Time now) {
    Service& service = *stream.service;
    const Ways ways = ways_of(service);
    Sink::Taken& on_console = stream.on_console;
    const auto leave = [&](const Sink::Taken& taken) {
        input = input.substr(0, taken.consumed);
        cut.tail = taken.tail;
    };
    if (ways.console && on_console.consumed == 0) {
        if (!show_notices(service)) return &console_;
        on_console = show(service, input, cut);
        if (on_console.consumed == 0) return &console_;
    }
    if (on_console.consumed > 0) leave(on_console);
    if (ways.syslog) {
        const Sink::Taken taken = syslog_.take(service.name, stream.source, input, cut, now);
        if (taken.consumed == 0) return &syslog_;
        leave(taken);
    }
    on_console.consumed -= std::min(on_console.consumed, input.size());
    return nullptr;
}

/// After the last record of a stream that has come to an end.
Writer::Awaits Writer::finish(Stream& stream, const Cut& cut, Time now) {
    Service& service = *stream.service;
    const Ways ways = ways_of(service);
    if (stream.mid_line) {
        // Its last part was written before anybody could know that it was the last.
        if (ways.file && !write_file(stream, {}, cut, now)) return {.disk = true};
        stream.mid_line = false;
    }
    while (stream.skipping || stream.over_rate) lose_rest(stream, 0);
    if (ways.console && !show_notices(service)) return {.sink = &console_};
    // While a failure lasts a short line could be let in by chance.
    const bool well = !service.trouble || service.trouble->problem.empty();
    if (ways.file && well) write_notices(service, now);
    return {};
}

/// False: the rest has to wait for the disk.
bool Writer::write_file(Stream& stream, std::string_view input, Cut cut, Time now) {
    Service& service = *stream.service;
    // An empty input ends a line that was begun; a newline of our own stands for it.
    const bool ending = input.empty();
    if (ending) input = "\n";
    while (next_record(input, cut)) {
        const auto put = put_batch(ending, stream, input, cut, now);
        if (!put && may_wait(service)) {
            if (!ending) stream.slot->disarm();
            failed(service, put.error(), 0, now);
            return false;
        }
        if (!put) {
            lose(stream, ending, input, cut, put.error(), now);
            return true;
        }
        input.remove_prefix(put->consumed);
    }
    return true;
}

/// Writes some records at the front of the input, or rotates the file first.
Result<Framed> Writer::put_batch(bool ending, Stream& stream, std::string_view input,
                                 const Cut& cut, Time now) {
    Service& service = *stream.service;
    if (!disk_.answers()) return not_answering();
    if (auto ready = prepare(service, now); !ready) return ready.error();
    stamp_ = stamps_.text(service.file.stamp(wall_now()));
    const Counts sums = service.books != nullptr ? service.books->missing() : Counts{};
    const bool tells = !service.untold().nothing();
    const std::size_t head = put_notices(service);
    const Framed batch = frame_for(stream, input, cut, head);
    if (batch.consumed == 0) {
        service.rotation_failed = !rotate(service);
        return Framed{.mid_line = stream.mid_line};
    }
    Slot* const slot = ending ? nullptr : stream.slot;
    if (slot != nullptr) slot->arm(service.file.mark());
    Progress progress = stream.progress();
    if (batch.mid_line != stream.mid_line) progress.line ^= Progress::MidLine;
    // Most batches do not change the books.
    const bool books_change = tells || batch.mid_line != stream.mid_line;
    if (books_change) {
        ledger_.begin_telling({books(service), sums, stream.source, progress}, slot,
                              service.file.mark());
    }
    const std::string_view records(buffer_.get(), head + batch.written);
    const bool begins = service.file.size() == 0;
    auto put = disk_.call([&] { return service.file.append(records); });
    if (!put) {
        if (books_change) ledger_.drop_telling();
        return put.error();
    }
    stream.mid_line = batch.mid_line;
    if (books_change) {
        ledger_.told(slot, batch.consumed);
    } else if (slot != nullptr) {
        slot->commit(batch.consumed);
    }
    // It is told when the file will be old, as nobody else may write again before.
    if (begins && service.log.max_age) archive_.tend(service.name, service.log);
    if (service.trouble) recovered(service);
    return batch;
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
    const bool mid_line = service.out.mid_line || service.err.mid_line;
    if (size > 0 && !mid_line && is_old(service)) return {};
    const std::uint64_t left = size < max_size ? max_size - size : 0;
    const Framed batch = frame_into(input, cut, std::min<std::uint64_t>(left, kBufferBytes));
    if (batch.consumed > 0) return batch;
    // The parts of one line stay in one file, unless it has no end in sight.
    const bool endless = size / 2 >= max_size;
    if (size > 0 && (!mid_line || endless)) return batch;
    const auto record = next_record(input, cut);
    return frame_into(input.substr(0, record->consumed),
                      {cut.max_line, record->final ? Tail::Finish : Tail::Part}, kBufferBytes);
}

bool Writer::rotate(Service& service) {
    const std::string& where = directory(service.name);
    const auto rotated = disk_.call([&] { return service.file.rotate(where, wall_now()); });
    if (rotated) {
        archive_.tend(service.name, service.log);
    } else if (!service.rotation_failed) {
        report_("cannot rotate the log of " + service.name + ": " + rotated.error().text());
    }
    return rotated.has_value();
}

void Writer::rotate_old(Service& service, Time now) {
    // Where a line has begun, what follows it will see to that.
    if (service.out.mid_line || service.err.mid_line || !disk_.answers()) return;
    if (!prepare(service, now)) return;
    service.file.stamp(wall_now());
    if (is_old(service) && !service.rotation_failed) service.rotation_failed = !rotate(service);
}

Result<> Writer::prepare(Service& service, Time now) {
    service.file_used = now;
    if (!service.file.is_due(now)) return {};
    if (!service.file_listed && open_.size() >= kMaxOpenFiles) close_one();
    const auto look = [&] {
        const std::string& where = directory(service.name);
        return disk_.call([&] { return service.file.prepare(where, now); });
    };
    auto looked = look();
    const auto descriptors_lack = [&] {
        return !looked && (looked.error().errnum == EMFILE || looked.error().errnum == ENFILE);
    };
    while (descriptors_lack() && close_one()) looked = look();
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
    Service& closing = **oldest;
    *oldest = open_.back();
    open_.pop_back();
    closing.file_listed = false;
    disk_.call([&] { closing.file.close(); });
    return true;
}

void Writer::undo(const std::string& service, const FileMark& mark) {
    if (log_dir_.empty()) return;
    const std::string& where = directory(service);
    const auto undone = disk_.call([&] { return LogFile::undo(where, mark); });
    if (!undone) {
        report_(undone.error().text() + "; lines may be there twice");
    }
}

void Writer::reopen() {
    while (close_one()) {
    }
}

void Writer::forget(Service& service) {
    if (service.file_listed) std::erase(open_, &service);
    service.file_listed = false;
    if (service.file.is_open()) disk_.call([&] { service.file.close(); });
}

const std::string& Writer::directory(const std::string& service) {
    return path_.assign(log_dir_).append("/").append(service);
}

}  // namespace reeve::log
