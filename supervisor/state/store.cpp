#include "supervisor/state/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/fault_point.h"

namespace reeve::state {

namespace {

constexpr std::uint64_t growth = 64 << 10;
constexpr int how = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

template <typename T>
std::string_view bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::uint64_t offset_of(const Extent& extent) { return std::uint64_t{extent.first} * block_size; }

/// Puts bytes that follow one another in the file together, so that many records cost few calls.
class Stretch {
  public:
    bool continues_at(std::uint64_t offset) const { return offset == begin_ + bytes_.size(); }
    void begin(std::uint64_t offset) {
        begin_ = offset;
        bytes_.clear();
    }
    void add(const RecordHeader& header, std::string_view value) {
        const std::size_t end =
            bytes_.size() + static_cast<std::size_t>(blocks_for(value.size())) * block_size;
        bytes_.append(bytes_of(header)).append(value);
        bytes_.resize(end);
    }
    std::uint64_t offset() const { return begin_; }
    const std::string& bytes() const { return bytes_; }

  private:
    std::uint64_t begin_ = 0;
    std::string bytes_;
};

}  // namespace

Result<Store> Store::open(const std::string& path, const Origin& origin, Contents& contents) {
    Fd fd(::open(path.c_str(), how));
    if (!fd && errno == ENOENT) return make(path, origin);
    Result<Contents> read = fd               ? read_contents(fd.get(), origin)
                            : errno == ELOOP ? Result<Contents>(error("it is a symbolic link"))
                                             : system_error("cannot open it");
    if (read) {
        Store store(std::move(fd));
        if (auto taken = store.take_over(*read, read->bytes.size()); !taken) return taken.error();
        contents = std::move(*read);
        return store;
    }
    if (!read.error().text().empty()) contents.problems.push_back(read.error().text());
    if (::unlink(path.c_str()) != 0) return system_error("cannot remove " + path);
    return make(path, origin);
}

Result<Store> Store::make(const std::string& path, const Origin& origin) {
    Fd fd(::open(path.c_str(), how | O_CREAT | O_EXCL, 0600));
    if (!fd) return system_error("cannot make " + path);
    Store store(std::move(fd));
    if (auto grown = store.grow(1); !grown) return grown.error();
    FileHeader header;
    header.pid_namespace = origin.pid_namespace;
    origin.boot_id.copy(header.boot_id.data(), header.boot_id.size());
    header.crc = crc_of(header);
    std::string first(bytes_of(header));
    first.append(bytes_of(Commit()));
    if (auto written = store.write_at(0, first); !written) return written.error();
    (void)store.free_.take(1);
    return store;
}

/// What is wiped first must not be hidden by anything, so this goes in their order; another kill in
/// the midst of it leaves the same to be done.
Result<> Store::take_over(const Contents& contents, std::uint64_t size) {
    (void)::fchmod(fd_.get(), 0600);
    blocks_ = static_cast<std::uint32_t>((size + block_size - 1) / block_size);
    last_change_ = contents.last_change;
    records_ = contents.records;
    for (const Extent& extent : contents.rest) {
        if (auto wiped = wipe(extent); !wiped) return wiped;
    }
    if (auto committed = commit(); !committed) return committed;
    std::vector<Extent> used;
    for (const auto& [key, extent] : records_) used.push_back(extent);
    std::sort(used.begin(), used.end(),
              [](const Extent& a, const Extent& b) { return a.first < b.first; });
    std::uint32_t next = 1;
    for (const Extent& extent : used) {
        if (extent.first > next) free_.give(next, extent.first - next);
        next = extent.first + extent.blocks();
    }
    if (blocks_ > next) free_.give(next, blocks_ - next);
    return {};
}

Result<> Store::grow(std::uint32_t blocks) {
    const std::uint64_t size = std::uint64_t{blocks_} * block_size;
    const std::uint64_t needed = std::uint64_t{blocks} * block_size;
    const std::uint64_t more = (needed + growth - 1) / growth * growth;
    if (size + more > largest_file) return system_error("cannot write", EFBIG);
    int failed = EINTR;
    while (failed == EINTR) {
        failed = ::posix_fallocate(fd_.get(), static_cast<off_t>(size), static_cast<off_t>(more));
    }
    if (failed != 0) return system_error("cannot write", failed);
    free_.give(blocks_, static_cast<std::uint32_t>(more / block_size));
    blocks_ += static_cast<std::uint32_t>(more / block_size);
    return {};
}

Result<Extent> Store::place(std::string_view value, std::uint32_t crc) {
    if (value.size() > largest_file) return system_error("cannot write", EFBIG);
    Extent extent{0, static_cast<std::uint32_t>(value.size()), crc, ++last_change_};
    auto first = free_.take(extent.blocks());
    if (!first) {
        if (auto grown = grow(extent.blocks()); !grown) return grown.error();
        first = free_.take(extent.blocks());
    }
    extent.first = *first;
    return extent;
}

std::string Store::read(const Key& key) const {
    const auto found = records_.find(key);
    if (found == records_.end()) return {};
    std::string value(found->second.length, '\0');
    const auto at = static_cast<off_t>(offset_of(found->second) + sizeof(RecordHeader));
    const ssize_t n = ::pread(fd_.get(), value.data(), value.size(), at);
    return n == static_cast<ssize_t>(value.size()) ? value : std::string();
}

bool Store::has(const Key& key, std::string_view value, std::uint32_t crc) const {
    const auto found = records_.find(key);
    return found != records_.end() && found->second.length == value.size() &&
           found->second.value_crc == crc && read(key) == value;
}

Result<> Store::apply(const Changes& changes) {
    if (auto wiped = wipe_discarded(); !wiped) return wiped;
    if (changes.size() == 1 && !changes.begin()->second) return erase(changes.begin()->first);
    std::vector<Written> written;
    Result<> done = write_new(changes, written);
    if (done && !written.empty()) done = commit();
    if (!done) {
        for (const Written& record : written) discard(record.extent);
        return done;
    }
    for (const Written& record : written) replace(record);
    return {};
}

/// One that goes alone: it is gone in one step by itself.
Result<> Store::erase(const Key& key) {
    const auto found = records_.find(key);
    if (found == records_.end()) return {};
    const Extent extent = found->second;
    if (auto wiped = wipe(extent); !wiped) return wiped;
    free_.give(extent.first, extent.blocks());
    records_.erase(found);
    return {};
}

/// Writes what does not count yet. That a record is to go needs writing down too, since it must not
/// go before what is changed along with it counts.
Result<> Store::write_new(const Changes& changes, std::vector<Written>& written) {
    Stretch stretch;
    for (const auto& [key, value] : changes) {
        const std::string_view text = value ? std::string_view(*value) : std::string_view();
        const std::uint32_t crc = crc_of(text);
        if (value ? has(key, text, crc) : !records_.contains(key)) continue;
        const auto extent = place(text, crc);
        if (!extent) return extent.error();
        written.push_back({key, *extent, !value});
        if (!stretch.continues_at(offset_of(*extent))) {
            if (auto done = write_at(stretch.offset(), stretch.bytes()); !done) return done;
            stretch.begin(offset_of(*extent));
        }
        RecordHeader header;
        header.value_crc = extent->value_crc;
        header.length = extent->length;
        header.change = extent->change;
        header.number = key.number;
        header.kind = static_cast<std::uint16_t>(key.kind);
        header.erased = value ? 0 : 1;
        header.crc = crc_of(header);
        stretch.add(header, text);
    }
    return write_at(stretch.offset(), stretch.bytes());
}

Result<> Store::commit() {
    return write_at(commit_offset, bytes_of(Commit{last_change_, ~last_change_}));
}

/// The record counts, and what was there of its key does not any more.
void Store::replace(const Written& written) {
    const auto before = records_.find(written.key);
    if (before != records_.end()) discard(before->second);
    if (written.erased) {
        discard(written.extent);
        records_.erase(written.key);
    } else {
        records_.insert_or_assign(written.key, written.extent);
    }
}

Result<> Store::wipe(const Extent& extent) {
    const RecordHeader nothing{.magic = 0};
    return write_at(offset_of(extent), bytes_of(nothing));
}

void Store::discard(const Extent& extent) {
    discarded_.push_back(extent);
    (void)wipe_discarded();
}

/// In their order, for one may be hidden by the next one. Until it succeeds nothing else counts.
Result<> Store::wipe_discarded() {
    while (!discarded_.empty()) {
        const Extent extent = discarded_.front();
        if (auto wiped = wipe(extent); !wiped) return wiped;
        free_.give(extent.first, extent.blocks());
        discarded_.pop_front();
    }
    return {};
}

Result<> Store::write_at(std::uint64_t offset, std::string_view bytes) {
    fault_point("a write of state");
    while (!bytes.empty()) {
        const ssize_t n =
            ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error("cannot write");
        if (n == 0) return system_error("cannot write", ENOSPC);
        bytes.remove_prefix(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
    return {};
}

}  // namespace reeve::state
