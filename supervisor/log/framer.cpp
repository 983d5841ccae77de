#include "supervisor/log/framer.h"

#include <array>

namespace reeve::log {

Framed frame(std::string_view input, const Cut& cut, Source source, std::string_view stamp,
             bool mid_line, std::span<char> out) {
    constexpr std::size_t kHead = kRecordOverhead - 1;
    std::array<char, kHead> head;
    std::memcpy(head.data(), stamp.data(), kStampBytes);
    std::memcpy(head.data() + kStampBytes, source == Source::Out ? " stdout F " : " stderr F ",
                kHead - kStampBytes);
    char& flag = head[kHead - 2];

    Framed done;
    done.mid_line = mid_line;
    while (const auto record = next_record(input.substr(done.consumed), cut)) {
        const std::size_t length = record->bytes.size();
        if (kRecordOverhead + length > out.size() - done.written) {
            done.full = true;
            break;
        }
        flag = record->final ? 'F' : 'P';
        char* at = out.data() + done.written;
        std::memcpy(at, head.data(), kHead);
        std::memcpy(at + kHead, record->bytes.data(), length);
        at[kHead + length] = '\n';
        done.written += kRecordOverhead + length;
        done.consumed += record->consumed;
        done.lines += record->final ? 1 : 0;
        done.mid_line = !record->final;
    }
    return done;
}

}  // namespace reeve::log
