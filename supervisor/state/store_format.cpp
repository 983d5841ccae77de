#include "supervisor/state/store_format.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "supervisor/os/files.h"

namespace reeve::state {

namespace {

/// What a byte does to the checksum when so many bytes follow it.
constexpr auto crc_tables = [] {
    std::array<std::array<std::uint32_t, 256>, 8> tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        tables[0][byte] = crc;
    }
    for (std::size_t following = 1; following < tables.size(); ++following) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t crc = tables[following - 1][byte];
            tables[following][byte] = crc >> 8 ^ tables[0][crc & 0xff];
        }
    }
    return tables;
}();

template <typename T>
T load(std::string_view bytes, std::size_t at) {
    T value;
    std::memcpy(static_cast<void*>(&value), bytes.data() + at, sizeof value);
    return value;
}

template <typename T>
std::string_view bytes_behind_crc(const T& header) {
    constexpr std::size_t behind = offsetof(T, crc) + sizeof header.crc;
    const auto* bytes = reinterpret_cast<const char*>(&header);
    return {bytes + behind, sizeof header - behind};
}

Result<std::string> read_whole(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return system_error("cannot look at it");
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size > largest_file) return error("it is larger than any that this version writes");
    std::string bytes(size, '\0');
    std::size_t used = 0;
    while (used < size) {
        const ssize_t n = ::pread(fd, bytes.data() + used, size - used, static_cast<off_t>(used));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error("cannot read it");
        if (n == 0) break;
        used += static_cast<std::size_t>(n);
    }
    bytes.resize(used);
    return bytes;
}

/// Why the file says nothing to us.
std::optional<Error> refusal(std::string_view bytes, const Origin& origin) {
    if (bytes.find_first_not_of('\0') == std::string_view::npos) return Error{};
    if (bytes.size() < block_size) return error("it is no file of states");
    const auto header = load<FileHeader>(bytes, 0);
    if (header.magic != FileHeader().magic) return error("it is no file of states");
    if (header.version != format_version) {
        return error("it has format " + std::to_string(header.version) + ", which is not known");
    }
    if (header.crc != crc_of(header)) return error("its header is damaged");
    const std::string_view boot(header.boot_id.data(),
                                ::strnlen(header.boot_id.data(), header.boot_id.size()));
    if (boot != origin.boot_id) return error("it is of another boot");
    if (header.pid_namespace != origin.pid_namespace) {
        return error("it is of another PID namespace");
    }
    return std::nullopt;
}

/// Goes through the blocks, and decides which of the records count.
class Scan {
  public:
    explicit Scan(std::string bytes) { contents_.bytes = std::move(bytes); }

    Contents run() {
        const auto commit = load<Commit>(contents_.bytes, commit_offset);
        const bool whole = commit.number == ~commit.inverted;
        if (!whole) contents_.problems.emplace_back("which of its records count is damaged");
        committed_ = whole ? commit.number : std::numeric_limits<std::uint64_t>::max();
        contents_.last_change = whole ? commit.number : 0;
        const std::size_t blocks = contents_.bytes.size() / block_size;
        for (std::size_t block = 1; block < blocks;) block += look_at(block);
        for (const auto& [key, found] : found_) decide(key, found);
        // Whatever a record hides must not come to light when it is gone.
        std::sort(contents_.rest.begin(), contents_.rest.end(),
                  [](const Extent& a, const Extent& b) { return a.change < b.change; });
        return std::move(contents_);
    }

  private:
    struct Found {
        Extent extent;
        bool whole = false;
        bool erased = false;
    };

    /// Returns how many blocks it has looked at.
    std::size_t look_at(std::size_t block) {
        const std::size_t at = block * block_size;
        const auto header = load<RecordHeader>(contents_.bytes, at);
        if (header.crc != crc_of(header)) {
            if (header.magic != record_magic) return 1;
            contents_.problems.emplace_back("a record in it is damaged");
            contents_.rest.push_back({.first = static_cast<std::uint32_t>(block)});
            return 1;
        }
        const std::size_t room = contents_.bytes.size() - at - sizeof header;
        const Extent extent{static_cast<std::uint32_t>(block), header.length, header.value_crc,
                            header.change};
        contents_.last_change = std::max(contents_.last_change, header.change);
        if (header.change > committed_) {
            contents_.rest.push_back(extent);
            return extent.blocks();
        }
        const bool whole = header.magic == record_magic && header.length <= room &&
                           crc_of(contents_.value(extent)) == header.value_crc;
        enter({static_cast<Kind>(header.kind), header.number}, {extent, whole, header.erased != 0});
        return extent.blocks();
    }

    void enter(const Key& key, Found found) {
        const auto [there, is_new] = found_.try_emplace(key, found);
        if (is_new) return;
        if (there->second.extent.change < found.extent.change) std::swap(there->second, found);
        contents_.rest.push_back(found.extent);
    }

    void decide(const Key& key, const Found& found) {
        if (found.whole && !found.erased) {
            contents_.records.emplace(key, found.extent);
            return;
        }
        if (!found.whole)
            contents_.problems.push_back("its record of " + in_words(key) + " is damaged");
        contents_.rest.push_back(found.extent);
    }

    Contents contents_;
    std::uint64_t committed_ = 0;
    std::map<Key, Found> found_;
};

}  // namespace

/// CRC-32 as zlib has it, eight bytes at a time where they lie in the right order: all that is
/// written goes through here.
std::uint32_t crc_of(std::string_view bytes) {
    std::uint32_t crc = ~0u;
    if constexpr (std::endian::native == std::endian::little) {
        const auto& t = crc_tables;
        for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
            const std::uint64_t word = load<std::uint64_t>(bytes, 0) ^ crc;
            crc = t[7][word & 0xff] ^ t[6][word >> 8 & 0xff] ^ t[5][word >> 16 & 0xff] ^
                  t[4][word >> 24 & 0xff] ^ t[3][word >> 32 & 0xff] ^ t[2][word >> 40 & 0xff] ^
                  t[1][word >> 48 & 0xff] ^ t[0][word >> 56];
        }
    }
    for (const char byte : bytes) {
        crc = crc >> 8 ^ crc_tables[0][(static_cast<unsigned char>(byte) ^ crc) & 0xff];
    }
    return ~crc;
}
std::uint32_t crc_of(const FileHeader& header) { return crc_of(bytes_behind_crc(header)); }
std::uint32_t crc_of(const RecordHeader& header) { return crc_of(bytes_behind_crc(header)); }

Origin Origin::here() {
    constexpr std::size_t longest = 64;
    const auto read = os::read_file("/proc/sys/kernel/random/boot_id", longest);
    std::string boot = read ? *read : std::string();
    while (boot.ends_with('\n')) boot.pop_back();
    struct stat pid_namespace {};
    if (::stat("/proc/self/ns/pid", &pid_namespace) != 0) pid_namespace.st_ino = 0;
    return {boot.substr(0, sizeof FileHeader::boot_id), pid_namespace.st_ino, ::geteuid()};
}

Result<Contents> read_contents(int fd, const Origin& origin) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return system_error("cannot look at it");
    if (!S_ISREG(status.st_mode)) return error("it is no regular file");
    if (status.st_uid != origin.user) return error("it belongs to another user");
    auto bytes = read_whole(fd);
    if (!bytes) return bytes.error();
    if (const auto refused = refusal(*bytes, origin)) return *refused;
    return Scan(std::move(*bytes)).run();
}

std::string in_words(const Key& key) {
    switch (key.kind) {
        case Kind::Definition:
            return "definition " + std::to_string(key.number);
        case Kind::Plan:
            return "the configuration";
        case Kind::Engine:
            return "the supervisor itself";
        case Kind::Unit:
            return "service " + std::to_string(key.number);
        case Kind::Run:
            return "run " + std::to_string(key.number);
        case Kind::Command:
            return "command " + std::to_string(key.number);
    }
    return "something that is not known";
}

}  // namespace reeve::state
