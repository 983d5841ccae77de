#include "ctl/log_text.h"

#include <utility>

#include "ctl/read_file.h"

namespace reeve::ctl {

namespace {

Error about(const std::string& path, const Error& error) {
    std::string message = "cannot read " + path;
    if (error.errnum) return system_error(std::move(message), *error.errnum);
    message += ": ";
    return reeve::error(message + error.message);
}

}  // namespace

Result<LogText> LogText::open(const std::string& path) {
    auto fd = open_to_read(path);
    if (!fd) return fd.error();
    LogText text(std::move(*fd));
    text.path_ = path;
    if (path.ends_with(".zst")) {
        auto zstd = ZstdText::open(text.fd());
        if (!zstd) return about(path, zstd.error());
        text.zstd_ = std::move(*zstd);
        text.size_ = text.zstd_->size();
        return text;
    }
    const auto size = size_of_file(text.fd());
    if (!size) return about(path, size.error());
    text.size_ = *size;
    return text;
}

Result<std::size_t> LogText::read_at(std::uint64_t offset, char* into, std::size_t size) {
    const auto got =
        zstd_ ? zstd_->read_at(offset, into, size) : read_file(fd_.get(), offset, into, size);
    if (!got) return about(path_, got.error());
    return *got;
}

}  // namespace reeve::ctl
