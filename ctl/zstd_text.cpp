#include "ctl/zstd_text.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "ctl/read_file.h"

namespace reeve::ctl {

namespace {

constexpr std::uint32_t frame_magic = 0xFD2FB528;
constexpr std::uint32_t skippable_magic = 0x184D2A50;  ///< and the fifteen numbers behind it
constexpr std::uint32_t table_magic = 0x184D2A5E;
constexpr std::uint32_t footer_magic = 0x8F92EAB1;
constexpr std::uint64_t footer_size = 9;
constexpr std::uint64_t skippable_header = 8;

/// Magic number and the longest header of a frame.
constexpr std::size_t longest_header = 18;

constexpr std::size_t input_piece = 32 * 1024;
constexpr std::size_t output_piece = 128 * 1024;

/// Frames of ours are held whole; of larger ones, which others made, a piece.
constexpr std::size_t most_held = 4u << 20;

std::uint32_t little_endian(std::string_view bytes, std::size_t at, std::size_t size = 4) {
    std::uint32_t value = 0;
    for (std::size_t i = size; i-- > 0;) {
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    }
    return value;
}

Error damaged(const char* how) { return error(std::string("it is damaged: ") + how); }

bool is_skippable(std::uint32_t magic) { return (magic & ~0xFu) == skippable_magic; }

/// Of a frame that begins with these bytes; RFC 8878, 3.1.1.1.
std::size_t header_size(std::string_view frame) {
    const auto descriptor = static_cast<unsigned char>(frame[4]);
    const bool single_segment = (descriptor & 0x20u) != 0;
    constexpr std::array<std::size_t, 4> dictionary = {0, 1, 2, 4};
    constexpr std::array<std::size_t, 4> content = {0, 2, 4, 8};
    std::size_t size = 5 + dictionary[descriptor & 3u] + content[descriptor >> 6];
    if (!single_segment) return size + 1;
    return descriptor >> 6 == 0 ? size + 1 : size;
}

}  // namespace

Result<ZstdText> ZstdText::open(int fd) {
    const auto file_size = size_of_file(fd);
    if (!file_size) return file_size.error();
    ZstdText text(fd);
    const auto has_table = text.read_table(*file_size);
    if (!has_table) return has_table.error();
    if (*has_table) return text;
    if (const auto walked = text.walk(*file_size); !walked) return walked.error();
    return text;
}

void ZstdText::add(std::uint64_t at, std::uint64_t bytes, std::uint64_t size) {
    if (size > 0) frames_.push_back({at, bytes, size_, size});
    size_ += size;
}

/// False when there is none, or one that does not stand for the whole file: files in this format
/// that were put together end in the table of the last one.
Result<bool> ZstdText::read_table(std::uint64_t file_size) {
    if (file_size < skippable_header + footer_size) return false;
    std::array<char, footer_size> footer_bytes;
    const auto got = read_file(fd_, file_size - footer_size, footer_bytes.data(), footer_size);
    if (!got) return got.error();
    const std::string_view footer(footer_bytes.data(), *got);
    if (footer.size() < footer_size || little_endian(footer, 5) != footer_magic) return false;
    const std::uint64_t count = little_endian(footer, 0);
    const auto descriptor = static_cast<unsigned char>(footer[4]);
    const bool reserved = (descriptor & 0x7Cu) != 0;
    const std::uint64_t entry = (descriptor & 0x80u) != 0 ? 12 : 8;
    const std::uint64_t content = count * entry + footer_size;
    if (reserved || content + skippable_header > file_size) return false;
    const std::uint64_t begin = file_size - content - skippable_header;
    std::string table(skippable_header + count * entry, '\0');
    const auto read = read_file(fd_, begin, table.data(), table.size());
    if (!read) return read.error();
    if (*read < table.size() || little_endian(table, 0) != table_magic) return false;
    if (little_endian(table, 4) != content) return false;
    std::uint64_t at = 0;
    for (std::size_t place = skippable_header; place < table.size(); place += entry) {
        const std::uint32_t bytes = little_endian(table, place);
        add(at, bytes, little_endian(table, place + 4));
        at += bytes;
    }
    if (at == begin) return true;
    frames_.clear();
    size_ = 0;
    return false;
}

Result<void> ZstdText::walk(std::uint64_t file_size) {
    for (std::uint64_t at = 0; at < file_size;) {
        std::array<char, longest_header> bytes;
        const auto got = read_file(fd_, at, bytes.data(), bytes.size());
        if (!got) return got.error();
        const std::string_view header(bytes.data(), *got);
        if (header.size() < skippable_header) return damaged("it ends too early");
        const std::uint32_t magic = little_endian(header, 0);
        if (is_skippable(magic)) {
            at += skippable_header + little_endian(header, 4);
            continue;
        }
        if (magic != frame_magic) return damaged("there is no zstd frame where one has to be");
        const auto end = end_of_frame(at, header);
        if (!end) return end.error();
        if (*end > file_size) return damaged("it ends too early");
        const auto size = measure(at, *end, header);
        if (!size) return size.error();
        add(at, *end - at, *size);
        at = *end;
    }
    return {};
}

/// Goes from block to block: each tells how long it is.
Result<std::uint64_t> ZstdText::end_of_frame(std::uint64_t at, std::string_view header) {
    const bool checksum = (static_cast<unsigned char>(header[4]) & 4u) != 0;
    at += header_size(header);
    for (bool last = false; !last;) {
        std::array<char, 3> bytes;
        const auto got = read_file(fd_, at, bytes.data(), bytes.size());
        if (!got) return got.error();
        if (*got < bytes.size()) return damaged("it ends too early");
        const std::uint32_t block = little_endian({bytes.data(), bytes.size()}, 0, 3);
        last = (block & 1u) != 0;
        const std::uint32_t type = block >> 1 & 3u;
        constexpr std::uint32_t repeated_byte = 1;
        at += 3 + (type == repeated_byte ? 1 : block >> 3);
    }
    return at + (checksum ? 4 : 0);
}

/// The size of a frame's text: as its header says, or else by unpacking it.
Result<std::uint64_t> ZstdText::measure(std::uint64_t at, std::uint64_t end,
                                        std::string_view header) {
    const unsigned long long known = ZSTD_getFrameContentSize(header.data(), header.size());
    if (known == ZSTD_CONTENTSIZE_ERROR) return damaged("a frame's header is");
    if (known != ZSTD_CONTENTSIZE_UNKNOWN) return known;
    begin_frame({at, end - at, size_, 0});
    while (true) {
        const auto more = unpack_more();
        if (!more) return more.error();
        if (!*more) break;
    }
    return held_begin_ + held_.size() - size_;
}

void ZstdText::begin_frame(const Frame& frame) {
    if (!context_) context_.reset(ZSTD_createDCtx());
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    unpacking_ = frame.at;
    next_input_ = frame.at;
    input_end_ = frame.at + frame.bytes;
    input_.clear();
    input_used_ = 0;
    frame_ended_ = false;
    held_begin_ = frame.begin;
    held_.clear();
}

/// Appends the next piece of the frame's text to what is held. False at the end of the frame.
Result<bool> ZstdText::unpack_more() {
    if (frame_ended_) return false;
    if (held_.size() >= most_held) {
        held_begin_ += held_.size();
        held_.clear();
    }
    const std::size_t before = held_.size();
    held_.resize(before + output_piece);
    ZSTD_outBuffer out{held_.data() + before, output_piece, 0};
    while (out.pos < out.size && !frame_ended_) {
        if (input_used_ == input_.size()) {
            input_.resize(std::min<std::uint64_t>(input_piece, input_end_ - next_input_));
            const auto got = read_file(fd_, next_input_, input_.data(), input_.size());
            if (!got) return got.error();
            input_.resize(*got);
            input_used_ = 0;
            next_input_ += *got;
        }
        ZSTD_inBuffer in{input_.data(), input_.size(), input_used_};
        const std::size_t produced = out.pos;
        const std::size_t left = ZSTD_decompressStream(context_.get(), &out, &in);
        if (ZSTD_isError(left) != 0) return damaged(ZSTD_getErrorName(left));
        const bool stuck = in.pos == input_used_ && out.pos == produced;
        input_used_ = in.pos;
        frame_ended_ = left == 0;
        if (stuck && !frame_ended_) return damaged("a frame ends too early");
    }
    held_.resize(before + out.pos);
    return true;
}

/// Holds the text at this offset afterwards, and as much of what follows as it is.
Result<void> ZstdText::unpack_until(const Frame& frame, std::uint64_t offset) {
    if (unpacking_ != frame.at || offset < held_begin_) begin_frame(frame);
    while (offset >= held_begin_ + held_.size()) {
        const auto more = unpack_more();
        if (!more) {
            unpacking_.reset();
            return more.error();
        }
        if (!*more) return damaged("a frame is shorter than it says");
    }
    return {};
}

Result<std::size_t> ZstdText::read_at(std::uint64_t offset, char* into, std::size_t size) {
    std::size_t done = 0;
    while (done < size && offset + done < size_) {
        const std::uint64_t at = offset + done;
        const auto behind = std::upper_bound(
            frames_.begin(), frames_.end(), at,
            [](std::uint64_t wanted, const Frame& frame) { return wanted < frame.begin; });
        const Frame& frame = *(behind - 1);
        if (const auto unpacked = unpack_until(frame, at); !unpacked) {
            if (done > 0) return done;
            return unpacked.error();
        }
        const std::uint64_t frame_end = frame.begin + frame.size;
        const std::uint64_t end = std::min(frame_end, held_begin_ + held_.size());
        const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(size - done, end - at));
        std::memcpy(into + done, held_.data() + (at - held_begin_), piece);
        done += piece;
    }
    return done;
}

}  // namespace reeve::ctl
