#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"
#include "base/time.h"
#include "config/plan.h"

namespace reeve::shell {

/// Writes as much of a line as a descriptor takes without making us wait, and returns how much that
/// was. Where that is not all, errno says why; EAGAIN: nobody reads it.
std::size_t write_line(int fd, std::string_view line);

/// A file for the lines of the own log, which are written in order and make nobody wait.
///
/// A call to a file system may never return: a server is gone, a disk is frozen. So all of them are
/// made by a thread of the file's own, from a queue of kRoom. Lines that find no room there and
/// lines that the file does not take are lost and counted; before the next one that is written, or
/// as soon as there is none left to write, a line says how many. The thread takes no signals and
/// sleeps while there is nothing to do.
///
/// Lines may come from any thread, all other calls from one.
class OwnLogFile {
  public:
    static constexpr std::size_t kRoom = 1 << 20;
    static constexpr Duration kPatience = 200ms;

    /// Makes a line, with its newline, of what the file itself has to say. Called on the thread of
    /// the file.
    using Render = std::function<std::string(config::LogLevel, std::string_view)>;

    /// Begins to open the file. Fails when no thread can be had.
    static Result<std::shared_ptr<OwnLogFile>> start(std::string path, Render render);
    /// Waits at most kPatience until all is written and the file is closed. A thread that is caught
    /// by the disk then is left behind, with what it has yet to write.
    ~OwnLogFile();
    OwnLogFile(const OwnLogFile&) = delete;
    OwnLogFile& operator=(const OwnLogFile&) = delete;

    const std::string& path() const;

    /// How the opening went; nothing: it still goes on after so long.
    std::optional<Result<>> wait_until_open(Duration patience);

    void write(std::string line);
    /// Waits until all is written, but no longer than kPatience.
    void flush();

    /// Opens the file anew, before the next line that is written. When that fails the file that is
    /// open stays, and is told of it.
    void reopen(Render render);

  private:
    struct Shared;
    class Writer;

    explicit OwnLogFile(std::shared_ptr<Shared> shared);

    std::shared_ptr<Shared> shared_;  // the thread's too, as one that is caught outlives this
    std::thread thread_;
};

}  // namespace reeve::shell
