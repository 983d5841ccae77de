// What the writer could not write: counted, told in the log itself, to the supervisor's log and to
// whoever asks.
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
std::string notices(const Service& service, const Service::Untold& untold) {
    std::string text;
    if (untold.lost > 0) {
        text += "reeve: " + std::to_string(untold.lost);
        text += untold.lost == 1 ? " line lost: " : " lines lost: ";
        text += service.lost_why + "\n";
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
    for (const Stream* stream : {&service.out, &service.err}) {
        if (service.in_file.cut_off[index_of(stream->source)]) put("\n", stream->source);
    }
    if (service.in_file.lost == 0 && service.in_file.over_rate == 0) return size;
    // Between the parts of a line it would be taken for the rest of that line.
    put(notices(service, service.in_file), service.err.mid_line ? Source::Out : Source::Err);
    return size;
}

void Writer::notices_told(Service& service, const Service::Untold& told) {
    // More may have come during the call.
    for (std::size_t i = 0; i < told.cut_off.size(); ++i) {
        if (told.cut_off[i]) service.in_file.cut_off[i] = false;
    }
    service.in_file.lost -= told.lost;
    service.in_file.over_rate -= told.over_rate;
    if (service.trouble) recovered(service);
}

bool Writer::write_notices(Service& service, Time now) {
    if (service.in_file.nothing()) return true;
    if (!disk_.answers() || !prepare(service, now)) return false;
    stamp_ = stamps_.text(service.file.stamp(wall_now()));
    const Service::Untold told = service.in_file;
    const std::string_view records(buffer_.get(), put_notices(service));
    if (!disk_.call([&] { return service.file.append(records); })) return false;
    notices_told(service, told);
    return true;
}

/// The same on the console; false: it has to take some first.
bool Writer::show_notices(Service& service) {
    const Service::Untold told = service.on_console;
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

void Writer::lose(Stream& stream, bool ending, std::string_view input, const Cut& cut,
                  const Error& why, Time now) {
    if (stream.mid_line) stream.service->in_file.cut_off[index_of(stream.source)] = true;
    stream.mid_line = false;
    if (ending) return failed(*stream.service, why, 0, now);
    const Framed batch = count_records(input, cut, false);
    stream.skipping = batch.mid_line;
    stream.slot->commit(batch.consumed);
    failed(*stream.service, why, batch.lines, now);
}

void Writer::lose_unread(Service& service, std::uint64_t lines, Time now) {
    failed(service, not_answering(), lines, now);
}

void Writer::sever(Stream& stream) {
    if (stream.slot != nullptr) stream.slot->commit(stream.slot->unwritten().size());
    if (std::exchange(stream.mid_line, false)) {
        stream.service->in_file.cut_off[index_of(stream.source)] = true;
    }
    stream.passed = 0;
    stream.severed = false;
    stream.skipping = stream.severed_in_line;
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
    service.in_file.lost += lines;
    service.lost_why = words;
    Trouble& now_wrong = trouble(service);
    if (lines == 0 && now_wrong.problem == words && now_wrong.waiting == waiting) return;
    if (now_wrong.problem.empty()) now_wrong.since = wall_now();
    now_wrong.problem = words;
    now_wrong.waiting = waiting;
    now_wrong.lost += lines;
    publish(service);
}

/// Lines that are missing although the disk may be well by now.
void Writer::count_lost(Service& service, std::uint64_t lines) {
    service.in_file.lost += lines;
    trouble(service).lost += lines;
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

void Writer::count_over_rate(Service& service, std::uint64_t lines) {
    if (lines == 0) return;
    const Ways ways = ways_of(service);
    if (ways.file) service.in_file.over_rate += lines;
    if (ways.console) service.on_console.over_rate += lines;
    trouble(service).over_rate += lines;
    publish(service);
}

Trouble& Writer::trouble(Service& service) {
    if (!service.trouble) service.trouble = std::make_unique<Trouble>();
    return *service.trouble;
}

/// One that was removed may have a successor of its name.
void Writer::publish(const Service& service) {
    if (!service.removed) troubles_.set(service.name, *service.trouble);
}

}  // namespace reeve::log
