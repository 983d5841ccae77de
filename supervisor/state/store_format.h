#pragma once

#include <sys/types.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// The file in which records outlive the process that wrote them, byte by byte.
///
/// It is made of blocks. The first one is the file's own: FileHeader, and in its second half the
/// Commit. A record is a RecordHeader and its value, in blocks of its own, one after the other.
/// Changes that belong together get numbers in a row; they count once the Commit has come to the
/// last of these. Only then are the records that they replace wiped: their headers are overwritten
/// with zeros, and their blocks are free. So whenever the writer is killed, there is what was
/// before or what is after, whole; of two records of one key the later one counts.
///
/// Numbers are in the order of bytes of the machine, as the file never leaves it.
namespace reeve::state {

inline constexpr std::size_t block_size = 128;
inline constexpr std::size_t largest_file = std::size_t{256} << 20;
inline constexpr std::uint32_t format_version = 1;

/// What a record is of. The numbers are in files: none may change its meaning.
enum class Kind : std::uint16_t {
    Definition = 1,
    Plan = 2,
    Engine = 3,
    Unit = 4,
    Run = 5,
    Command = 6
};

/// What a record is of, for good; the numbers count for each kind by itself.
struct Key {
    Kind kind{};
    std::uint64_t number = 0;
    auto operator<=>(const Key&) const = default;
};

/// Neither bytes of a text nor zeros are ever this: in values there are no control characters.
inline constexpr std::uint32_t record_magic = 0x01'1f'02'1eu;

struct FileHeader {
    std::array<char, 8> magic{'\x89', 'r', 'e', 'e', 'v', 'e', '\x1a', '\n'};
    std::uint32_t version = format_version;
    std::uint32_t crc = 0;  ///< of all that follows
    std::uint64_t pid_namespace = 0;
    std::array<char, 40> boot_id{};
};

/// The number of the last change that counts, and the same inverted. Sixteen bytes of one page: no
/// kill cuts them in two.
struct Commit {
    std::uint64_t number = 0;
    std::uint64_t inverted = ~std::uint64_t{0};
};
inline constexpr std::size_t commit_offset = 64;

struct RecordHeader {
    std::uint32_t magic = record_magic;
    std::uint32_t crc = 0;  ///< of all that follows
    std::uint32_t value_crc = 0;
    std::uint32_t length = 0;  ///< of the value, in bytes
    std::uint64_t change = 0;
    std::uint64_t number = 0;  ///< of its key
    std::uint16_t kind = 0;    ///< of its key
    std::uint16_t erased = 0;  ///< 1: there is none of that key any more
    std::uint32_t unused = 0;
};
static_assert(sizeof(FileHeader) == 64 && sizeof(Commit) == 16 && sizeof(RecordHeader) == 40);

std::uint32_t crc_of(std::string_view bytes);
std::uint32_t crc_of(const FileHeader& header);
std::uint32_t crc_of(const RecordHeader& header);

constexpr std::uint64_t blocks_for(std::uint64_t length) {
    return (sizeof(RecordHeader) + length + block_size - 1) / block_size;
}

/// Where the numbers in a file mean something: processes by their numbers, times since the boot.
struct Origin {
    std::string boot_id;
    std::uint64_t pid_namespace = 0;
    uid_t user = 0;

    static Origin here();
};

/// A record as it lies in the file.
struct Extent {
    std::uint32_t first = 0;  ///< block
    std::uint32_t length = 0;
    std::uint32_t value_crc = 0;
    std::uint64_t change = 0;
    std::uint32_t blocks() const { return static_cast<std::uint32_t>(blocks_for(length)); }
};

/// What is in a file.
struct Contents {
    std::string bytes;  ///< of the whole file
    std::map<Key, Extent> records;
    std::vector<Extent> rest;           ///< headers of no use, in the order in which to wipe them
    std::vector<std::string> problems;  ///< a sentence for each record that is damaged
    std::uint64_t last_change = 0;

    std::string_view value(const Extent& extent) const {
        return std::string_view(bytes).substr(
            std::size_t{extent.first} * block_size + sizeof(RecordHeader), extent.length);
    }
};

/// Reads an open file. The error is why nothing in it can be used; the message is empty where there
/// is nothing in it.
Result<Contents> read_contents(int fd, const Origin& origin);

/// As a sentence calls it: "service 3".
std::string in_words(const Key& key);

}  // namespace reeve::state
