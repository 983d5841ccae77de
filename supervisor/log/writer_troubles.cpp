// What the writer could not write: counted, told in the log itself, to the supervisor's log and to
// whoever asks.
#include <algorithm>
#include <utility>

#include "supervisor/log/clock.h"
#include "supervisor/log/writer.h"

namespace reeve::log {

namespace {

std::string reason(const Error& why) {
    return why.errnum ? Error::strerrordesc(*why.errnum) : why.message;
}

std::size_t index_of(Source source) { return source == Source::Out ? 0 : 1; }

/// Sentences for the log itself, each a line.
std::string notices(const Service& service, const Counts& untold) {
    std::string text;
    if (untold.lost > 0) {
        text += "reeve: " + std::to_string(untold.lost);
        text += untold.lost == 1 ? " line lost" : " lines lost";
        // A kill may have come before the reason was written down.
        if (!service.lost_why.empty()) text += ": " + service.lost_why;
        text += "\n";
    }
    if (untold.over_rate > 0) {
        text += "reeve: " + std::to_string(untold.over_rate);
        text += untold.over_rate == 1 ? " line dropped" : " lines dropped";
        if (const auto& rate = service.log.rate) {
            text += ": more than " + std::to_string(rate->lines) + " in ";
            text += in_words(rate->per);
        }
        text += "\n";
    }
    return text;
}

}  // namespace

/// Puts into the buffer what the file is to be told before the next record.
std::size_t Writer::put_notices(const Service& service) {
    std::size_t size = 0;
    const auto put = [&](std::string_view text, Source source) {
        size += frame(text, {text.size(), Tail::Keep}, source, stamp_, false,
                      {buffer_.get() + size, kBufferBytes - size})
                    .written;
    };
    const Counts untold = service.untold();
    for (const Stream* stream : {&service.out, &service.err}) {
        if (untold.cut_off[index_of(stream->source)] > 0) put("\n", stream->source);
    }
    if (untold.lost == 0 && untold.over_rate == 0) return size;
    // Between the parts of a line it would be taken for the rest of that line.
    put(notices(service, untold), service.err.mid_line ? Source::Out : Source::Err);
    return size;
}

bool Writer::write_notices(Service& service, Time now) {
    if (service.untold().nothing() || log_dir_.empty()) return true;
    if (!disk_.answers() || !prepare(service, now)) return false;
    stamp_ = stamps_.text(service.file.stamp(wall_now()));
    const Counts sums = service.books->missing();
    const std::string_view records(buffer_.get(), put_notices(service));
    ledger_.begin_telling({*service.books, sums, service.out.source, service.out.progress()},
                          nullptr, service.file.mark());
    if (!disk_.call([&] { return service.file.append(records); })) {
        ledger_.drop_telling();
        return false;
    }
    ledger_.told(nullptr, 0);
    if (service.trouble) recovered(service);
    return true;
}

/// The same on the console; false: it has to take some first.
bool Writer::show_notices(Service& service) {
    const Counts told = service.on_console;
    if (told.lost == 0 && told.over_rate == 0) return true;
    if (console_.is_file() && !disk_.answers()) return true;
    const std::string text = notices(service, told);
    if (show(service, text, {text.size(), Tail::Keep}).consumed == 0) return false;
    service.on_console.lost -= told.lost;
    service.on_console.over_rate -= told.over_rate;
    return true;
}

/// Brings records to the console, or counts them when it is a file and the disk does not answer.
Sink::Taken Writer::show(Service& service, std::string_view input, const Cut& cut) {
    if (!console_.is_file()) return console_.take(service.name, input, cut);
    if (disk_.answers()) {
        return disk_.call([&] { return console_.take(service.name, input, cut); });
    }
    const Framed lost = count_records(input, cut, false);
    service.on_console.lost += lost.lines;
    service.lost_why = not_answering().message;
    return {lost.consumed, lost.mid_line ? Tail::Part : Tail::Finish};
}

Ledger::Entry& Writer::books(Service& service) {
    if (service.books == nullptr) service.books = &ledger_.make(service.name);
    return *service.books;
}

/// Writes down what the stream has come to and what more is missing, as n bytes leave the slot.
void Writer::count(Stream& stream, const Counts& more, Slot* slot, std::size_t n) {
    Ledger::Entry& entry = books(*stream.service);
    Counts sums = entry.missing();
    sums.lost += more.lost;
    sums.over_rate += more.over_rate;
    for (std::size_t i : {0, 1}) sums.cut_off[i] += more.cut_off[i];
    if (more.lost > 0) entry.set_reason(stream.service->lost_why);
    ledger_.count({entry, sums, stream.source, stream.progress()}, slot, n);
}

void Writer::lose(Stream& stream, bool ending, std::string_view input, const Cut& cut,
                  const Error& why, Time now) {
    Counts more;
    if (std::exchange(stream.mid_line, false)) more.cut_off[index_of(stream.source)] = 1;
    Framed batch;
    if (!ending) {
        batch = count_records(input, cut, false);
        stream.skipping = batch.mid_line;
        more.lost = batch.lines;
    }
    stream.service->lost_why = reason(why);
    count(stream, more, stream.slot, batch.consumed);
    failed(*stream.service, why, batch.lines, now);
}

void Writer::lose_unread(Stream& stream, Slot& bin, Time now) {
    const std::string_view bytes = bin.unwritten();
    const auto lines = static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
    stream.severed = true;
    stream.severed_in_line = bytes.back() != '\n';
    stream.service->lost_why = not_answering().message;
    count(stream, {.lost = lines}, &bin, bytes.size());
    failed(*stream.service, not_answering(), lines, now);
}

void Writer::sever(Stream& stream) {
    Counts more;
    if (std::exchange(stream.mid_line, false)) more.cut_off[index_of(stream.source)] = 1;
    stream.passed = 0;
    stream.severed = false;
    stream.skipping = std::exchange(stream.severed_in_line, false);
    count(stream, more, stream.slot, stream.slot != nullptr ? stream.slot->unwritten().size() : 0);
}

/// The rest of a line whose beginning was lost, or more than the rate allows, leaves the slot.
void Writer::lose_rest(Stream& stream, std::size_t n) {
    if (!std::exchange(stream.skipping, false)) {
        stream.over_rate = false;
        return count_over_rate(stream, 1, n);
    }
    count(stream, {.lost = 1}, stream.slot, n);
    trouble(*stream.service).lost += 1;
    publish(*stream.service);
}

void Writer::failed(Service& service, const Error& why, std::uint64_t lines, Time now) {
    const std::string words = reason(why);
    const bool waiting = may_wait(service);
    // On a disk that is nearly full short batches still fit: that is one failure, not many.
    if (service.reported != words || now - service.reported_at > 1min) {
        service.reported = words;
        service.reported_at = now;
        service.end_unreported = true;
        report_("cannot write the log of " + service.name +
                (waiting ? ", which waits: " : ", its lines are lost: ") + why.text());
    }
    service.lost_why = words;
    Trouble& now_wrong = trouble(service);
    if (lines == 0 && now_wrong.problem == words && now_wrong.waiting == waiting) return;
    if (now_wrong.problem.empty()) now_wrong.since = wall_now();
    now_wrong.problem = words;
    now_wrong.waiting = waiting;
    now_wrong.lost += lines;
    publish(service);
}

/// Its file takes lines, perhaps again.
void Writer::recovered(Service& service) {
    Trouble& over = *service.trouble;
    if (over.problem.empty()) return;
    over.problem.clear();
    over.since = {};
    over.waiting = false;
    publish(service);
    if (!std::exchange(service.end_unreported, false)) return;
    report_("the log of " + service.name +
            " is written again; lines lost so far: " + std::to_string(over.lost));
}

void Writer::count_over_rate(Stream& stream, std::uint64_t lines, std::size_t n) {
    Service& service = *stream.service;
    const Ways ways = ways_of(service);
    if (ways.file) {
        count(stream, {.over_rate = lines}, stream.slot, n);
    } else if (n > 0) {
        stream.slot->commit(n);
    }
    if (lines == 0) return;
    if (ways.console) service.on_console.over_rate += lines;
    trouble(service).over_rate += lines;
    publish(service);
}

Trouble& Writer::trouble(Service& service) {
    if (!service.trouble) service.trouble = std::make_unique<Trouble>();
    return *service.trouble;
}

void Writer::take_over(Service& service, Ledger::Entry& books) {
    service.books = &books;
    for (Stream* stream : {&service.out, &service.err}) {
        stream->go_on_from(books.progress(stream->source));
    }
    const Ledger::Entry::Status status = books.status();
    service.lost_why = status.reason;
    const Counts& missing = books.missing();
    if (missing.lost == 0 && missing.over_rate == 0) return;
    Trouble& past = trouble(service);
    past.lost = missing.lost;
    past.over_rate = std::max(status.over_rate, missing.over_rate);
    if (status.failing) {
        past.problem = service.reported = status.reason;
        past.since = status.since;
        past.waiting = status.waiting;
        service.end_unreported = true;
        service.reported_at = monotonic_now();
    }
    publish(service);
}

/// One that was removed may have a successor of its name.
void Writer::publish(const Service& service) {
    if (service.removed) return;
    const Trouble& trouble = *service.trouble;
    troubles_.set(service.name, trouble);
    if (service.books == nullptr) return;
    service.books->set_status({.failing = !trouble.problem.empty(),
                               .waiting = trouble.waiting,
                               .since = trouble.since,
                               .over_rate = trouble.over_rate,
                               .reason = service.lost_why});
}

}  // namespace reeve::log
