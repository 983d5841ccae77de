#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/state/free_space.h"
#include "supervisor/state/store_format.h"

namespace reeve::state {

/// What the record of a key is to be; nothing: there is to be none.
using Changes = std::map<Key, std::optional<std::string>>;

/// Records by their keys in one file on tmpfs, which a kill at any instant leaves whole. What a
/// change costs does not grow with the number of records. Written by pwrite(2), not mapped: a full
/// disk is an error rather than SIGBUS.
class Store {
  public:
    /// The file, made if there is none. What is in it goes into `contents`, for the caller to read;
    /// what is of no use in it is wiped. When nothing in it can be used it is made anew, and
    /// `contents` says why.
    static Result<Store> open(const std::string& path, const Origin& origin, Contents& contents);

    /// Makes all of the changes, or on failure none: values without control characters. What is
    /// the same already is not written again.
    Result<> apply(const Changes& changes);

    /// Empty where there is none.
    std::string read(const Key& key) const;

  private:
    struct Written {
        Key key;
        Extent extent;
        bool erased = false;
    };

    explicit Store(Fd fd) : fd_(std::move(fd)) {}
    static Result<Store> make(const std::string& path, const Origin& origin);
    Result<> take_over(const Contents& contents, std::uint64_t size);
    Result<> grow(std::uint32_t blocks);
    Result<Extent> place(std::string_view value, std::uint32_t crc);
    bool has(const Key& key, std::string_view value, std::uint32_t crc) const;
    Result<> erase(const Key& key);
    Result<> write_new(const Changes& changes, std::vector<Written>& written);
    Result<> commit();
    void replace(const Written& written);
    Result<> wipe(const Extent& extent);
    void discard(const Extent& extent);
    Result<> wipe_discarded();
    Result<> write_at(std::uint64_t offset, std::string_view bytes);

    Fd fd_;
    std::uint32_t blocks_ = 0;  // in the file
    std::uint64_t last_change_ = 0;
    std::map<Key, Extent> records_;
    FreeSpace free_;
    std::deque<Extent> discarded_;  // not wiped yet
};

}  // namespace reeve::state
